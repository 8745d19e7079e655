package compact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"pikabin/encode/compact/copied"
	"pikabin/encode/compact/merge"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/store"
	"pikabin/encode/readback"
	"pikabin/encode/readback/held"
	"pikabin/encode/vfs"
	"pikabin/formats"
)

// copying is a run that copies.
type copying struct {
	*run
	table *copied.Table
}

// Copy writes the parts of all partitions into a bucket, merged, unless they are there. The folder stays as it is. What cannot be copied is told. checked: the store
// is not relied upon to refuse a second object of one name.
func Copy(ctx context.Context, o Options, to store.Store, checked bool) error {
	c := &copying{run: newRun(o)}
	dirs, err := c.partitions(c.Dir, "")
	if err != nil {
		return err
	}
	if c.table, err = copied.Open(ctx, to, checked); err != nil {
		return err
	}
	if err := c.table.Ask(ctx, dirs); err != nil {
		return err
	}
	if c.DryRun {
		return c.each(ctx, dirs, c.copy)
	}
	if err := checkPlace(); err != nil {
		return err
	}
	careless, err := c.table.Claim(ctx, c.Dir)
	if err != nil {
		return err
	}
	if careless {
		c.Warn(fmt.Sprintf("%s: the server overwrites objects in spite of If-None-Match: each name is asked for before it is written; do not let two runs copy at one time", to))
	}
	if err := c.each(ctx, dirs, c.copy); err != nil {
		return err
	}
	if err := c.table.Clean(ctx); err != nil {
		c.Warn(err.Error())
	}
	return nil
}

// nameless is how the files are called for a moment in which parts are merged.
const nameless = "pikabin-merged-*"

// checkPlace refuses to begin where no such file can be made: later it would be taken for a part that has gone.
func checkPlace() error {
	f, err := vfs.Nameless(nameless)
	if err != nil {
		return fmt.Errorf("no file can be made for what is merged, in the folder that TMPDIR names: %w", err)
	}
	return f.Close()
}

// copy copies what of a partition is not in the bucket. Where another run has added an object meanwhile, it looks again, and continues after that.
func (c *copying) copy(ctx context.Context, p *Outcome) error {
	for {
		files, err := c.closed(p.Dir)
		if err != nil {
			return err
		}
		for _, parts := range byLog(partsOf(files)) {
			if err = c.copyLog(ctx, p, parts); err != nil {
				break
			}
		}
		if err == nil {
			err = c.complete(ctx, p.Dir, files)
		}
		if !errors.Is(err, store.ErrExists) {
			return ofPartition(err)
		}
	}
}

// byLog puts the parts of each log together, which are sorted by it.
func byLog(parts []file) (logs [][]file) {
	for i, f := range parts {
		if i == 0 || f.Series != parts[i-1].Series {
			logs = append(logs, nil)
		}
		logs[len(logs)-1] = append(logs[len(logs)-1], f)
	}
	return logs
}

// complete says in the bucket that the partition is complete, if its folder says so.
func (c *copying) complete(ctx context.Context, dir string, files []file) error {
	isSuccess := func(f file) bool { return f.base == folder.SuccessName }
	if c.DryRun || !slices.ContainsFunc(files, isSuccess) {
		return nil
	}
	return c.table.Complete(ctx, dir)
}

// ofPartition makes errors that are of one partition those that leave it.
func ofPartition(err error) error {
	if _, foreign := errors.AsType[*copied.ForeignError](err); foreign {
		return &leftError{err: err}
	}
	if isGone(err) {
		return waits("%w: the partition has changed at this moment", err)
	}
	return err
}

// copyLog copies the parts of a log.
func (c *copying) copyLog(ctx context.Context, p *Outcome, parts []file) error {
	pending, after, err := c.pending(ctx, p.Dir, parts)
	if err != nil {
		return err
	}
	return c.copyGroups(ctx, p, c.group(pending), after)
}

func (c *copying) copyGroups(ctx context.Context, p *Outcome, groups [][]file, after *readback.Key) error {
	for _, group := range groups {
		size := int64(0)
		if !c.DryRun {
			var err error
			if size, err = c.copyGroup(ctx, p.Dir, group, after); err != nil {
				return err
			}
			if size == 0 { // there are no events in the parts
				continue
			}
		}
		for _, f := range group {
			p.Bytes += f.size
		}
		p.Parts, p.Merged, p.After, after = p.Parts+len(group), p.Merged+1, p.After+size, nil
	}
	return nil
}

// pending are the parts with events that are not copied. Some of the first one may be: those up to after.
func (c *copying) pending(ctx context.Context, dir string, parts []file) (pending []file, after *readback.Key, err error) {
	end, err := c.table.End(ctx, dir, parts[0].Series)
	if err != nil || end == nil {
		return parts, nil, err
	}
	last := slices.IndexFunc(parts, func(f file) bool { return f.identity() == end.Part })
	if last >= 0 {
		return parts[last+1:], nil, nil
	}
	from, until := overlap(parts, end)
	if from == until {
		return parts, nil, nil
	}
	more, err := c.recognise(ctx, parts[from:until], end)
	if more {
		return parts[until-1:], &end.Last, err
	}
	return parts[until:], nil, err
}

// identity tells a part from others, and from another one of its name.
func (f *file) identity() string {
	return fmt.Sprintf("%s, %d bytes of %s", f.base, f.size, f.changed.UTC().Format(time.RFC3339Nano))
}

// overlap are the parts that may have events of an object: from the one that its first event is in. Those of before may have been taken away.
func overlap(parts []file, o *copied.Object) (from, until int) {
	for until < len(parts) && parts[until].begin().Compare(o.Last) <= 0 {
		until++
	}
	for i := range until {
		if parts[i].begin().Compare(o.First) <= 0 && (i == 0 || parts[i].begin() != parts[i-1].begin()) {
			from = i
		}
	}
	return from, until
}

// recognise refuses parts that do not hold what an object holds, and tells whether there are events after those.
func (c *copying) recognise(ctx context.Context, parts []file, o *copied.Object) (more bool, err error) {
	in := c.parts(parts)
	sum, err := merge.Read(ctx, in, held.FormatOf(parts[0].Ext), func(k readback.Key) bool {
		more = more || k.Compare(o.Last) > 0
		return k.Compare(o.First) >= 0 && k.Compare(o.Last) <= 0
	})
	if err == nil && sum != o.Sum {
		err = left("the bucket has %d events from %s to %s, in %s, and the folder has %d there, or others: the objects are of another table; name another prefix",
			o.Rows, o.First, o.Last, o.Name.String(), sum.Rows)
	}
	return more, err
}

// copyGroup makes one object of parts, but for the events up to after.
func (c *copying) copyGroup(ctx context.Context, dir string, group []file, after *readback.Key) (int64, error) {
	format, _ := formats.Lookup(held.FormatOf(group[0].Ext))
	end, err := c.table.End(ctx, dir, group[0].Series)
	if err != nil {
		return 0, err
	}
	made, err := c.content(ctx, group, format, after)
	if err != nil {
		return 0, unreadable(ctx, err)
	}
	defer made.Close()
	if made.sum.Rows == 0 {
		return 0, nil
	}
	last := group[len(group)-1]
	o := &copied.Object{Name: group[0].PartName, Sum: made.sum, Part: last.identity()}
	if err := o.Follow(end); err != nil {
		return 0, &leftError{err: err}
	}
	return made.Size(), c.table.Add(ctx, dir, o, format.ContentType, made, made.Size())
}

// content is what an object is made of.
type content struct {
	merge.File
	sum merge.Sum
}

// content merges parts, and reads back what it has made of them. One that is whole stays what it is.
func (c *copying) content(ctx context.Context, group []file, format formats.Format, after *readback.Key) (made content, err error) {
	parts := c.parts(group)
	if len(parts) == 1 && after == nil {
		if made.sum, err = merge.Read(ctx, parts, format.Name, nil); err == nil {
			made.File, err = parts[0].Open()
		}
		return made, err
	}
	f, err := vfs.Nameless(nameless)
	if err != nil {
		return made, err
	}
	made.sum, err = merge.Merge(ctx, parts, f, merge.Options{Format: format, Workers: c.Workers, Version: c.Version, After: after})
	if err == nil {
		made.File, err = sized(f)
	}
	if err == nil {
		err = merge.Check(ctx, merge.Part{Name: "what was merged", PartName: group[0].PartName, Open: made.again}, format.Name, made.sum)
	}
	if err != nil {
		f.Close() //nolint:gosec // it is not needed any more
	}
	return made, err
}

// again gives the content once more.
func (c content) again() (merge.File, error) {
	return readAgain{io.NewSectionReader(c.File, 0, c.Size())}, nil
}

// readAgain is a file that stays open when it is closed.
type readAgain struct{ *io.SectionReader }

// Close implements io.Closer.
func (readAgain) Close() error { return nil }
