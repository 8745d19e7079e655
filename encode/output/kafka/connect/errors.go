package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// isHopeless tells errors that no waiting mends.
func isHopeless(err error) bool {
	for _, known := range []error{
		kerr.SaslAuthenticationFailed, kerr.IllegalSaslState, kerr.UnsupportedSaslMechanism,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
		kerr.InvalidTopicException, kerr.InvalidReplicationFactor, kerr.InvalidPartitions, kerr.InvalidConfig, kerr.PolicyViolation,
		kerr.InvalidTransactionTimeout,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return isTLS(err)
}

// isTLS tells errors of certificates, and of sides that do not both speak TLS.
func isTLS(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	op, alert := errors.AsType[*net.OpError](err)
	return certificate || record || alert && op.Op == tlsAlert
}

// tlsAlert is what package tls calls what the other side complains of.
const tlsAlert = "remote error"

// Explained adds to errors what may have caused them.
func Explained(err error) error {
	for _, known := range []struct {
		err  error
		text string
	}{
		{kerr.SaslAuthenticationFailed, "the brokers refuse the login: they do not know this user with this secret, or do not take this token"},
		{kerr.UnsupportedSaslMechanism, "the brokers do not take the mechanism of the option sasl"},
		{kerr.TopicAuthorizationFailed, "the user needs the rights to describe and write the topic, to read it if it holds positions, and to create it if it is to be made"},
		{kerr.GroupAuthorizationFailed, "the user needs the right to read the group"},
		{kerr.TransactionalIDAuthorizationFailed, "the user needs the rights to describe and write the transactional id"},
		{kerr.ClusterAuthorizationFailed, "the user needs rights to the cluster: to write idempotently (brokers before 2.8), or to create topics if some are to be made"},
		{kerr.InvalidTimestamp, "the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms do not take the event's time"},
		{kerr.InvalidTransactionTimeout, "transaction-timeout is above the transaction.max.timeout.ms of the brokers"},
		{kerr.UnknownTopicOrPartition, "the topic was deleted"},
		{kerr.UnknownTopicID, "the topic was deleted and made anew"},
		{kerr.MessageTooLarge, "the topic's max.message.bytes was lowered"},
		{kerr.OutOfOrderSequenceNumber, "the broker has lost records that it had acknowledged"},
		{kerr.UnknownProducerID, "the broker has lost records that it had acknowledged"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%s: %w", known.text, err)
		}
	}
	if IsFenced(err) {
		return fmt.Errorf("another pikabin writes for this source now, or the transaction took longer than transaction-timeout: %w", err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == tlsAlert {
		return fmt.Errorf("the broker refuses the TLS connection, as it does when it wants a certificate of ours (tls-cert, tls-key): %w", err)
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return fmt.Errorf("the broker hangs up, as it does when one side wants TLS or a login and the other does not: %w", err)
	}
	return err
}

// IsFenced tells errors that say that another process writes for the source, or that the transaction is over.
func IsFenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.TransactionalIDNotFound) || errors.Is(err, kerr.InvalidProducerIDMapping)
}

// EndsTransaction tells errors after which a transaction cannot be committed, and that say nothing against another one with the same
// records. What was acknowledged and lost is no such error.
func EndsTransaction(err error) bool {
	for _, known := range []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.OutOfOrderSequenceNumber, kgo.ErrClientClosed, context.Canceled} {
		if errors.Is(err, known) {
			return false
		}
	}
	return !isHopeless(err)
}

// Retry tries again while that may help. An attempt that the end of ctx has cut short does not say why.
func Retry(ctx context.Context, try func() error) error {
	var why error
	wait := 100 * time.Millisecond
	for {
		err := try()
		if err == nil || isHopeless(err) || IsFenced(err) {
			return err
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			wait = min(2*wait, 2*time.Second)
		case <-ctx.Done():
			timer.Stop()
			return why
		}
	}
}
