package follow

import (
	"cmp"
	"context"
	"time"
)

const (
	minPoll        = 500 * time.Microsecond
	defaultPollMax = 100 * time.Millisecond
	paceShare      = 50 // news is found within this part of the time that there was none

	checkEvery    = 100 * time.Millisecond // how often it is looked whether the files that are open are those of the folder
	discoverEvery = time.Second            // how often new logs are looked for
)

// pace says when to look next. Stores into the manifest announce themselves nowhere, so the only question is how often to
// look: at a log that is being written all the time, at once; the longer nothing has come, the later the next news may be
// found.
type pace struct {
	now     func() time.Time
	pollMax time.Duration
	idle    time.Duration // 0: wait for ever

	news     time.Time // when there last was something new, or the beginning
	checked  time.Time
	searched time.Time
	woken    bool // something has changed in a folder
}

func newPace(o *Options, now func() time.Time) pace {
	start := now()
	return pace{
		now: now, pollMax: cmp.Or(o.PollMax, defaultPollMax), idle: o.Idle,
		news: start, checked: start, searched: start,
	}
}

// interval is how long to wait before the next look.
func (p *pace) interval() time.Duration {
	quiet := p.now().Sub(p.news)
	d := min(max(quiet/paceShare, minPoll), max(p.pollMax, minPoll))
	if p.idle > quiet {
		d = min(d, p.idle-quiet)
	}
	return d
}

// over reports whether there was nothing for as long as was to be waited.
func (p *pace) over() bool { return p.idle > 0 && p.now().Sub(p.news) >= p.idle }

// due says what to look at besides the manifests.
func (p *pace) due() (check, search bool) {
	now := p.now()
	check = p.woken || now.Sub(p.checked) >= checkEvery
	search = p.woken || now.Sub(p.searched) >= discoverEvery
	if check {
		p.checked = now
	}
	if search {
		p.searched = now
	}
	p.woken = false
	return check, search
}

// sleep waits for a time, an event of a folder, a stop, or the end of the context.
func (t *Tail) sleep(ctx context.Context, d time.Duration) error {
	t.timer.Reset(d)
	select {
	case <-t.timer.C:
	case <-t.watch.Wake():
		t.pace.woken = true
	case <-t.stop:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
