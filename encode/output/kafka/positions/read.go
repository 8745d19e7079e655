package positions

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// silence is how long nothing has to come until the end is taken to be reached: compaction may have removed the last records.
const silence = 2 * time.Second

// Read reads the partition from an offset on (-1: its beginning) up to another one, that of a claim, say.
func Read(ctx context.Context, opts []kgo.Opt, source Source, from, last int64) (*Found, error) {
	reader, err := newReader(opts, source.Topic, from)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	r := newReading(source.Name)
	for {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, record := range fetches.Records() {
			r.take(record)
			if record.Offset >= last {
				return &r.found, nil
			}
		}
	}
}

// ReadAll reads what is there now from an offset on (-1: the beginning). What is written meanwhile may be found or not.
func ReadAll(ctx context.Context, opts []kgo.Opt, source Source, from int64) (*Found, error) {
	reader, err := newReader(opts, source.Topic, from)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	end, err := endOf(ctx, reader, source.Topic)
	r := newReading(source.Name)
	for at := max(from, 0); err == nil && at < end; {
		var records []*kgo.Record
		if records, err = pollBriefly(ctx, reader); len(records) == 0 {
			break
		}
		for _, record := range records {
			r.take(record)
			at = record.Offset + 1
		}
	}
	return &r.found, err
}

// pollBriefly gives nothing when nothing comes for a while.
func pollBriefly(ctx context.Context, reader *kgo.Client) ([]*kgo.Record, error) {
	brief, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	fetches := reader.PollFetches(brief)
	if err := fetches.Err(); err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
		return nil, err
	}
	return fetches.Records(), nil
}

func endOf(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	end, _ := ends.Lookup(topic, Partition)
	return end.Offset, end.Err
}

func newReader(opts []kgo.Opt, topic string, from int64) (*kgo.Client, error) {
	at := kgo.NewOffset().AtStart()
	if from >= 0 {
		at = kgo.NewOffset().At(from)
	}
	return kgo.NewClient(append(opts, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {Partition: at}}))...)
}
