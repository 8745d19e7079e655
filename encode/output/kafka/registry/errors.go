package registry

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"
)

// RefusedError is a schema that the registry does not have, or does not take.
type RefusedError struct{ text string }

// Error says what can be done.
func (e *RefusedError) Error() string { return e.text }

func (r *Registry) refused(subject, format string, args ...any) error {
	return &RefusedError{fmt.Sprintf("%v: subject %s ", r, subject) + fmt.Sprintf(format, args...)}
}

func (r *Registry) incompatible(subject, why string) error {
	return r.refused(subject, "does not take the schema of this pikabin after those that it has (%s): write to another topic, or set the subject's compatibility level to one that takes it, or delete the subject",
		cmp.Or(why, "the registry does not say why"))
}

// passing are answers that another attempt may change.
var passing = []int{http.StatusRequestTimeout, http.StatusTooManyRequests}

// final tells answers that no other attempt would change.
func final(err error) bool {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	return ok && answer.StatusCode < http.StatusInternalServerError && !slices.Contains(passing, answer.StatusCode)
}

// missingCode tells answers that say that a subject or its schema is not there, and by which of the registry's codes.
func missingCode(err error) (code int, missing bool) {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if !ok {
		return 0, false
	}
	known := []int{sr.ErrSubjectNotFound.Code, sr.ErrVersionNotFound.Code, sr.ErrSchemaNotFound.Code, sr.ErrSubjectSoftDeleted.Code}
	return answer.ErrorCode, slices.Contains(known, answer.ErrorCode)
}

// explained adds to an answer what may have caused it.
func (r *Registry) explained(err error, subject string) error {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if _, missing := missingCode(err); !ok || missing {
		return err
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("it refuses the login, see the options registry-user and registry-token-file: %w", err)
	case http.StatusForbidden:
		return fmt.Errorf("the user has no right to it: %w", err)
	case http.StatusConflict:
		return r.incompatible(subject, err.Error())
	case http.StatusUnprocessableEntity:
		return r.refused(subject, "does not get the schema of this pikabin, which the registry does not take: %v", err)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("there is no registry at this address, which may need a path: %w", err)
	}
	return err
}
