package security

import (
	"context"

	"github.com/twmb/franz-go/pkg/sasl"
)

// askingOAuth has brokers that do not take a token say so as they do with other mechanisms. At first they send details, after which
// they wait for one more byte (RFC 7628, section 3.2.3).
type askingOAuth struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (m askingOAuth) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := m.Mechanism.Authenticate(ctx, host)
	return askingSession{session}, first, err
}

type askingSession struct{ sasl.Session }

// Challenge implements sasl.Session.
func (s askingSession) Challenge(response []byte) (done bool, answer []byte, err error) {
	if len(response) > 0 {
		return false, []byte{1}, nil
	}
	return s.Session.Challenge(response)
}
