//go:build unix

package torture

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/health"
)

var served = regexp.MustCompile(`serving /metrics and /healthz on (\S+)`)

// pageOf is the address of one of the pages of a process.
func pageOf(t *testing.T, p *clitest.Program, page string) string {
	t.Helper()
	var where []string
	p.Until("its address", func() bool {
		where = served.FindStringSubmatch(p.Messages.String())
		return where != nil
	})
	if where == nil {
		t.Fatalf("it does not say where it can be asked:\n%s", &p.Messages)
	}
	return "http://" + where[1] + "/" + page
}

func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestHealthWithoutTheLiveSegment asks a process how far it is, while nobody reads its output and the server writes on into a segment that
// has lost its name. The distance is that of the positions, and not of the files that are there.
func TestHealthWithoutTheLiveSegment(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	w := process.Start(t, log, "--value-size", "1000")
	w.Put(1000)
	p, stdout := tailToPipe(t, log, "--from", "start", "--listen", "127.0.0.1:0")
	readable(t, p, stdout)
	if err := os.Remove(filepath.Join(log, "log_db0", "write2file0")); err != nil {
		t.Fatal(err)
	}
	url := pageOf(t, p, "healthz?format=json")
	if l := reaches(t, p, url, w.Put(500)); l.LagBytes != l.End.Offset-l.Acknowledged.Offset || l.LagBytes < 500_000 || l.SegmentsBeforePurge != 0 {
		t.Errorf("without a reader: %+v", l)
	}
	read := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, stdout)
		read <- err
	}()
	end := w.Put(1)
	p.Until("all of it", func() bool { l := reaches(t, p, url, end); return l.Acknowledged == end && l.LagBytes == 0 })
	w.Quit()
	p.Signal(syscall.SIGTERM)
	p.Exits(0)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// reaches waits until the health of a process names the end of the log, and gives what it says then.
func reaches(t *testing.T, p *clitest.Program, url string, end decode.Position) (l health.LogReport) {
	t.Helper()
	p.Until("the end "+end.String(), func() bool {
		code, text := get(t, url)
		var report health.Report
		if err := json.Unmarshal([]byte(text), &report); err != nil || code != http.StatusOK || len(report.Logs) != 1 {
			t.Fatalf("%d, %v: %s", code, err, text)
		}
		l = report.Logs[0]
		return l.End == end
	})
	return l
}
