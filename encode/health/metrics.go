package health

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"pikabin/encode/sink"
	"pikabin/encode/stats"
)

// Metric is a row of the list of metrics.
type Metric struct {
	Name   string
	Help   string
	Type   string // counter, gauge or histogram
	Labels []string
}

// ofRun are the metrics that are one number of the run.
var ofRun = []struct {
	Metric
	value func(r *Report) float64
}{
	{counter("records_total", "Records read from the log."), func(r *Report) float64 { return float64(r.stats.Records) }},
	{counter("changes_total", "Changes written, after the filters."), func(r *Report) float64 { return float64(r.stats.Changes) }},
	{counter("passed_total", "Records and commands that change nothing."), func(r *Report) float64 { return float64(r.stats.Passed) }},
	{counter("read_bytes_total", "Bytes of the log that were read."), func(r *Report) float64 { return float64(r.stats.Read) }},
	{counter("encoded_bytes_total", "Bytes of the changes before compression."), func(r *Report) float64 { return float64(r.stats.Plain) }},
	{counter("written_bytes_total", "Bytes handed to the output."), func(r *Report) float64 { return float64(r.stats.Written) }},
	{counter("damaged_ranges_total", "Damaged ranges of the log that were skipped."), func(r *Report) float64 { return float64(r.stats.Damaged) }},
	{counter("gaps_total", "Missing ranges of the log that were skipped."), func(r *Report) float64 { return float64(r.stats.Gaps) }},
	{counter("rewrites_total", "How often the history of a log was replaced by another."), func(r *Report) float64 { return float64(r.stats.Rewrites) }},
	{counter("delivered_batches_total", "Batches that the output has acknowledged."), func(r *Report) float64 { return float64(r.stats.Deliveries) }},
	{counter("oversized_total", "Events that were too large for their topic and were put elsewhere."), func(r *Report) float64 { return float64(r.stats.Oversized) }},
	{gauge("healthy", "Whether /healthz answers with 200."), func(r *Report) float64 { return truth(r.Healthy) }},
	{gauge("standby", "Whether this run waits until another one has ended, to take over (--standby)."), func(r *Report) float64 { return truth(r.Standby) }},
	{gauge("term", "How often a state that several hosts share has been claimed, by this run last; 0: it is not shared, or held by another run."), func(r *Report) float64 { return float64(r.stats.Term) }},
	{gauge("sink_waiting", "Whether the output takes nothing now and tries again."), func(r *Report) float64 { return truth(r.stats.Sink.Err != nil) }},
	{gauge("spool_parts", "Parts that wait in the spool to be sent."), func(r *Report) float64 { return float64(r.stats.Spooled.Parts) }},
	{gauge("spool_bytes", "Bytes of these parts."), func(r *Report) float64 { return float64(r.stats.Spooled.Bytes) }},
	{gauge("spool_oldest_seconds", "How long the oldest of these parts has waited."), spoolAge},
}

// spoolAge is how long the oldest part has waited in the spool.
func spoolAge(r *Report) float64 {
	if r.stats.Spooled.Parts == 0 {
		return 0
	}
	return max(r.at.Sub(r.stats.Spooled.Since), 0).Seconds()
}

// ofState are the metrics that a run without a state does not have.
var ofState = []struct {
	Metric
	value func(r *Report) float64
}{
	{counter("state_saves_total", "Times the state was written."), func(r *Report) float64 { return float64(r.stats.Saves) }},
	{
		counter("state_errors_total", "Times the state could not be written, or the store that keeps it gave no answer; errors_total of kind state says the same."),
		func(r *Report) float64 { return float64(r.stats.Errors[stats.ErrorState]) },
	},
	{
		gauge("state_age_seconds", "How long ago the state on the disk last held all that was acknowledged; about a second at most when all is well."),
		func(r *Report) float64 { return max(r.at.Sub(r.stats.Saved), 0).Seconds() },
	},
}

// ofLog are the metrics that each log has.
var ofLog = []struct {
	Metric
	value func(l *LogReport) float64
}{
	{gauge("lag_bytes", "Bytes of the log after the acknowledged position.", "db"), func(l *LogReport) float64 { return float64(l.LagBytes) }},
	{gauge("lag_segments", "Segments from that of the acknowledged position to the last; 0 when it is in the last.", "db"), func(l *LogReport) float64 { return float64(l.LagSegments) }},
	{gauge("lag_seconds", "How old the oldest record that is not acknowledged can be; 0 when there is none.", "db"), func(l *LogReport) float64 { return l.LagSeconds }},
	{gauge("still_seconds", "How long the acknowledged position has not moved although the log is longer.", "db"), func(l *LogReport) float64 { return l.StillSeconds }},
	{gauge("segments_before_purge", "Segments older than the acknowledged position: once this many more are purged, records that were not delivered are lost. Below 0 they are lost, or only pins hold them.", "db"), func(l *LogReport) float64 { return float64(l.SegmentsBeforePurge) }},
	{gauge("unreadable", "Whether the log cannot be read now and is tried again.", "db"), func(l *LogReport) float64 { return truth(l.Trouble != "") }},
	{gauge("segments", "Segments on the disk, pinned ones that were purged included.", "db"), func(l *LogReport) float64 { return float64(l.Segments) }},
	{gauge("acknowledged_segment", "Segment of the acknowledged position.", "db"), func(l *LogReport) float64 { return float64(l.Acknowledged.Segment) }},
	{gauge("acknowledged_offset_bytes", "Offset of the acknowledged position in its segment.", "db"), func(l *LogReport) float64 { return float64(l.Acknowledged.Offset) }},
	{gauge("end_segment", "Segment of the committed end.", "db"), func(l *LogReport) float64 { return float64(l.End.Segment) }},
	{gauge("end_offset_bytes", "Offset of the committed end in its segment.", "db"), func(l *LogReport) float64 { return float64(l.End.Offset) }},
}

// ofRemote are the metrics that a log has which comes over the network.
var ofRemote = []struct {
	Metric
	value func(r *Remote) float64
}{
	{gauge("source_connected", "Whether the server sends the log now.", "db"), func(r *Remote) float64 { return truth(r.Connected) }},
	{counter("source_reconnects_total", "Connections to the server after the first.", "db"), func(r *Remote) float64 { return float64(r.Reconnects) }},
	{gauge("held_bytes", "Bytes of its log that the server cannot purge because of this run, as whole segments.", "db"), func(r *Remote) float64 { return float64(r.Held) }},
}

// The metrics that are more than a number.
var (
	buildInfo = gauge("build_info", "Always 1; the labels say what runs.", "version", "goversion")
	inFlight  = gauge("batches_in_flight", "Batches being made (encode), or given to the output and not yet acknowledged (sink).", "stage")
	failures  = counter("errors_total", "Errors: sink, state, gap, corrupt, and retry for what the output tries again.", "kind")
	counted   = [sink.CounterNumber]Metric{
		sink.TopicRecords: counter("topic_records_total", "Records that a topic of Kafka has taken.", "topic"),
		sink.TopicBytes:   counter("topic_bytes_total", "Bytes of these records, before compression.", "topic"),
		sink.TopicWire:    counter("topic_compressed_bytes_total", "Bytes of these records as they were sent.", "topic"),
		sink.Transactions: counter("transactions_total", "Transactions of Kafka: committed, aborted (sent again), or fenced by another run.", "end"),
	}
	latency   = Metric{Name: "pikabin_sink_latency_seconds", Help: "From handing a batch to the output until it is acknowledged.", Type: "histogram"}
	grew      = gauge("log_grew_timestamp_seconds", "When the log was last seen to grow.", "db")
	delivered = gauge("last_delivery_timestamp_seconds", "When the output last acknowledged a batch.")
)

func counter(name, help string, labels ...string) Metric {
	return Metric{Name: "pikabin_" + name, Help: help, Type: "counter", Labels: labels}
}

func gauge(name, help string, labels ...string) Metric {
	return Metric{Name: "pikabin_" + name, Help: help, Type: "gauge", Labels: labels}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Metrics lists what /metrics shows beside the metrics of Go and of the process.
func Metrics() []Metric {
	var all []Metric
	for _, r := range ofRun {
		all = append(all, r.Metric)
	}
	for _, l := range ofLog {
		all = append(all, l.Metric)
	}
	for _, r := range ofRemote {
		all = append(all, r.Metric)
	}
	for _, s := range ofState {
		all = append(all, s.Metric)
	}
	all = append(all, counted[:]...)
	return append(all, grew, delivered, inFlight, latency, failures, buildInfo)
}

// collector makes the metrics of one report, so that those of a scrape belong to one moment.
type collector struct {
	m     *Monitor
	descs map[string]*prometheus.Desc
}

// registry holds what a scrape shows.
func (m *Monitor) registry() *prometheus.Registry {
	c := &collector{m: m, descs: map[string]*prometheus.Desc{}}
	for _, row := range Metrics() {
		c.descs[row.Name] = prometheus.NewDesc(row.Name, row.Help, row.Labels, nil)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Describe tells the registry which metrics there can be.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect looks at the run for a scrape.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	r := c.m.Report()
	for _, row := range ofRun {
		c.send(out, row.Metric, row.value(r))
	}
	if r.stats.KeepsState {
		for _, row := range ofState {
			c.send(out, row.Metric, row.value(r))
		}
	}
	for i := range r.Logs {
		c.log(out, &r.Logs[i])
	}
	c.rest(out, &r.stats)
}

func (c *collector) log(out chan<- prometheus.Metric, l *LogReport) {
	for _, row := range ofLog {
		c.send(out, row.Metric, row.value(l), l.DB)
	}
	if l.Remote != nil {
		for _, row := range ofRemote {
			c.send(out, row.Metric, row.value(l.Remote), l.DB)
		}
	}
	if !l.grew.IsZero() {
		c.send(out, grew, float64(l.grew.UnixMilli())/1000, l.DB)
	}
}

func (c *collector) rest(out chan<- prometheus.Metric, s *stats.Snapshot) {
	if !s.Delivered.IsZero() {
		c.send(out, delivered, float64(s.Delivered.UnixMilli())/1000)
	}
	c.send(out, inFlight, float64(s.Working), "encode")
	c.send(out, inFlight, float64(s.Unacked), "sink")
	for kind := range stats.ErrorKinds {
		c.send(out, failures, float64(s.Errors[kind]), kind.String())
	}
	for i, metric := range counted {
		for label, n := range s.Counts[i] {
			c.send(out, metric, float64(n), label)
		}
	}
	out <- prometheus.MustNewConstHistogram(c.descs[latency.Name], uint64(s.Latency.Count), s.Latency.Sum.Seconds(), s.Latency.Buckets())
	c.send(out, buildInfo, 1, c.m.o.Version, runtime.Version())
}

func (c *collector) send(out chan<- prometheus.Metric, row Metric, value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if row.Type == "counter" {
		kind = prometheus.CounterValue
	}
	out <- prometheus.MustNewConstMetric(c.descs[row.Name], kind, value, labels...)
}
