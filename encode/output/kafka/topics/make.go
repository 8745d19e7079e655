package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"pikabin/encode/output/kafka/connect"
)

// make creates topics, or says that they are not there.
func (k *Topics) make(ctx context.Context, missing []string, plan topicPlan) error {
	if !k.o.Create {
		return fmt.Errorf("there is no topic %s: make it, or let --create-topics do so (options partitions, replication and topic-config)", strings.Join(missing, ", "))
	}
	config := map[string]*string{}
	for key, value := range plan.config {
		config[key] = &value
	}
	var made kadm.CreateTopicResponses
	err := connect.Retry(ctx, func() (err error) {
		made, err = k.admin.CreateTopics(ctx, plan.partitions, int16(k.o.Replication), config, missing...)
		for _, topic := range made {
			if kerr.IsRetriable(topic.Err) {
				err = errors.Join(err, topic.Err)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if err := made[name].Err; err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s: %w: %s", name, err, made[name].ErrMessage)
		}
		k.warn("kafka: created topic " + name)
	}
	return nil
}

// await looks for new topics until every broker that is asked knows them.
func (k *Topics) await(ctx context.Context, names []string) (kadm.TopicDetails, error) {
	var found kadm.TopicDetails
	err := connect.Retry(ctx, func() error {
		var missing []string
		var err error
		if found, missing, err = k.look(ctx, names); err == nil && len(missing) > 0 {
			err = fmt.Errorf("%w: %s", kerr.UnknownTopicOrPartition, strings.Join(missing, ", "))
		}
		return err
	})
	return found, err
}
