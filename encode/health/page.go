package health

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pikabin/decode/units"
)

// Handler serves /metrics, /healthz and /livez.
func (m *Monitor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", m.healthz)
	mux.HandleFunc("GET /livez", livez)
	return mux
}

// livez answers as long as the process does: a run that waits for brokers or for room on a disk is alive, and another start would not help it. What
// asks /healthz to decide about that would end it in the middle of its waiting.
func livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintln(w, "ok")
}

// healthz answers with 200 or 503, and says why; in JSON where that is asked for.
func (m *Monitor) healthz(w http.ResponseWriter, r *http.Request) {
	report := m.Report()
	status := http.StatusOK
	if !report.Healthy {
		status = http.StatusServiceUnavailable
	}
	body, kind := report.text(), "text/plain; charset=utf-8"
	if wantsJSON(r) {
		encoded, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body, kind = string(encoded)+"\n", "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "json"
	}
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// text is "ok", "standing by", or the reasons, and then a line for each log.
func (r *Report) text() string {
	var b strings.Builder
	if r.Healthy {
		b.WriteString(r.word() + "\n")
	}
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "failing: %s\n", reason)
	}
	for i := range r.Logs {
		l := &r.Logs[i]
		fmt.Fprintf(&b, "%s acknowledged %v, end %v, %s after it, oldest %s, %d segments before the purge\n", l.DB, l.Acknowledged, l.End,
			units.FormatSize(l.LagBytes), span(seconds(l.LagSeconds)), l.SegmentsBeforePurge)
	}
	return b.String()
}
