package health_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"pikabin/encode/health"
)

var update = flag.Bool("update", false, "write testdata/metrics.txt anew")

// ours are the lines of a scrape that are about pikabin.
func ours(scrape string) string {
	var b strings.Builder
	for line := range strings.Lines(scrape) {
		if strings.Contains(line, "pikabin_") {
			b.WriteString(strings.ReplaceAll(line, runtime.Version(), "GOVERSION"))
		}
	}
	return b.String()
}

// scraped is what a run shows in the middle of its work: some is delivered, some waits in the sink, and one record has not
// been read.
func scraped(t *testing.T) (scrape string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.remote = &health.Remote{Connected: true, Reconnects: 3, Held: 800}
		r.start(true)
		r.put(3)
		r.follow()
		r.sink.set(false)
		r.put(1)
		r.follow()
		time.Sleep(20 * time.Millisecond)
		r.sink.set(true)
		r.wait(10 * time.Second)
		r.w.Rotate()
		r.put(2)
		r.sink.set(false)
		r.follow()
		r.put(1)
		r.stats.Waits(os.ErrDeadlineExceeded)
		r.wait(1500 * time.Millisecond)
		scrape = r.get("/metrics").Body.String()
		r.end()
	})
	return scrape
}

func TestMetrics(t *testing.T) {
	scrape := scraped(t)
	got := ours(scrape)
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if runtime.GOOS == "linux" && !strings.Contains(scrape, "\n"+name+" ") {
			t.Errorf("%s is not there", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestMetricsAreListed finds each metric of a scrape in the list, and each of the list in the scrape and in README.md.
func TestMetricsAreListed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, shown []string
	for _, m := range health.Metrics() {
		listed = append(listed, m.Name+" "+m.Type)
		if row := fmt.Sprintf("| `%s` | %s | %s |", m.Name, strings.Join(append([]string{m.Type}, m.Labels...), ", "), m.Help); !strings.Contains(string(text), row) {
			t.Errorf("the README has no row\n%s", row)
		}
	}
	for _, match := range regexp.MustCompile("# TYPE (pikabin_.*)").FindAllStringSubmatch(scraped(t), -1) {
		shown = append(shown, match[1])
	}
	order := cmpopts.SortSlices(strings.Compare)
	if diff := cmp.Diff(listed, shown, order); diff != "" {
		t.Errorf("-listed +shown:\n%s", diff)
	}
}
