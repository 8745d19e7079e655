package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"pikabin/encode/output/kafka/connect"
)

// Check finds the schema in the registry for each topic, and gives the subjects that do not have it and are to get it. It refuses those
// that do not take it, or that may not be given it. Nothing is changed.
func (r *Registry) Check(ctx context.Context, topics []string) (missing []string, err error) {
	if r == nil {
		return nil, nil
	}
	for _, topic := range topics {
		subject := subjectOf(topic)
		known, err := r.find(ctx, subject)
		if err != nil {
			return nil, err
		}
		if !known {
			missing = append(missing, subject)
		}
	}
	return missing, nil
}

// Register does the same, and puts the schema where it is missing.
func (r *Registry) Register(ctx context.Context, topics []string) error {
	missing, err := r.Check(ctx, topics)
	for _, subject := range missing {
		if err == nil {
			err = r.register(ctx, subject)
		}
	}
	return err
}

// find reports whether a subject has the schema, and refuses one that may not get it.
func (r *Registry) find(ctx context.Context, subject string) (bool, error) {
	if r.ids[subject] > 0 {
		return true, nil
	}
	var found sr.SubjectSchema
	err := r.ask(ctx, "looking for the schema", subject, func() (err error) {
		found, err = r.client.LookupSchema(ctx, subject, r.schema)
		return err
	})
	r.ids[subject] = found.ID
	code, missing := missingCode(err)
	if err == nil || !missing {
		return true, err
	}
	if code != sr.ErrSubjectNotFound.Code {
		if err := r.compare(ctx, subject); err != nil {
			return false, err
		}
	}
	if !r.o.Register {
		return false, r.refused(subject, "does not have the schema of this pikabin: put it there (pikabin schema prints it), or let the option register-schemas do so")
	}
	return false, nil
}

// compare refuses a subject that does not take the schema after those that it has.
func (r *Registry) compare(ctx context.Context, subject string) error {
	const latest = -1
	var result sr.CheckCompatibilityResult
	err := r.ask(ctx, "comparing the schema", subject, func() (err error) {
		result, err = r.client.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, latest, r.schema)
		return err
	})
	if _, none := missingCode(err); none { // all versions are gone
		return nil
	}
	if err == nil && !result.Is {
		err = r.incompatible(subject, strings.Join(result.Messages, "; "))
	}
	return err
}

// register puts the schema into the registry.
func (r *Registry) register(ctx context.Context, subject string) error {
	return r.ask(ctx, "registering the schema", subject, func() (err error) {
		r.ids[subject], err = r.client.RegisterSchema(ctx, subject, r.schema, -1, -1)
		return err
	})
}

// ask asks until the registry answers, or ctx ends, and explains an answer that no other attempt would change.
func (r *Registry) ask(ctx context.Context, what, subject string, request func() error) error {
	var answer error
	err := connect.Retry(ctx, func() error {
		r.heard(r.described(errSilent, what, subject))
		err := plain(request())
		if final(err) {
			answer, err = err, nil
		}
		r.heard(r.described(err, what, subject))
		return err
	})
	return r.described(cmp.Or(err, r.explained(answer, subject)), what, subject)
}

// errSilent is why nothing moves while a request has no answer.
var errSilent = errors.New("it does not answer")

// plain is why a request has failed, without its address, which is told anyway.
func plain(err error) error {
	failed, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return err
	case failed.Timeout():
		return errSilent
	}
	return failed.Err
}

func (r *Registry) described(err error, what, subject string) error {
	if _, refused := errors.AsType[*RefusedError](err); refused || err == nil {
		return err
	}
	return fmt.Errorf("%v, %s for subject %s: %w", r, what, subject, err)
}
