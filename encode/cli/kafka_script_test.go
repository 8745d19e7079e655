package cli_test

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafka NAME begins a cluster in the test's own process, whose addresses are in the variable NAME until the script ends.
func kafka(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: kafka variable")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ClusterID(args[0]))
	ts.Check(err)
	ts.Defer(cluster.Close)
	ts.Setenv(args[0], strings.Join(cluster.ListenAddrs(), ","))
	ts.Setenv(args[0]+"_ONE", cluster.ListenAddrs()[0])
}

// consume BROKERS TOPIC FILE writes what a consumer sees of a topic, committed records only, a line for each: the partition, the position, the op and
// the key, or with a barrier what it says.
func consume(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: consume brokers topic file")
	}
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(args[0], ",")...), kgo.ConsumeTopics(args[1]),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ts.Check(err)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, args[1])
	ts.Check(err)
	lines, left := make([][]string, len(ends[args[1]])), map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		ts.Check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				lines[r.Partition] = append(lines[r.Partition], lineOf(r))
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	var text strings.Builder
	for _, of := range lines {
		for _, line := range of {
			text.WriteString(line + "\n")
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text.String()), 0o600))
}

func lineOf(r *kgo.Record) string {
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	key := strconv.Quote(string(r.Key))
	if barrier := headers["pikabin-barrier"]; barrier != "" {
		key = "barrier " + barrier
	}
	return strings.Join([]string{strconv.Itoa(int(r.Partition)), headers["pikabin-position"], headers["pikabin-op"], key}, " ")
}
