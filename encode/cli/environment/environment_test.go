package environment_test

import (
	"testing"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/environment"
)

// TestServicesOfKubernetes: what a cluster tells of services that are called as this program is no mistake of the user. Without a service it is.
func TestServicesOfKubernetes(t *testing.T) {
	model := kong.Must(&struct{}{}).Model
	check := func(environ ...string) error {
		return environment.Check(model, func() *kong.Application { return model }, environ)
	}
	for _, service := range []string{"PIKABIN", "PIKABIN_METRICS"} {
		told := []string{
			service + "_PORT=tcp://10.0.0.1:9108", service + "_PORT_9108_TCP=tcp://10.0.0.1:9108", service + "_PORT_9108_TCP_ADDR=10.0.0.1",
			service + "_SERVICE_PORT=9108", service + "_SERVICE_PORT_HTTP=9108", service + "_SERVICE_HOST=10.0.0.1",
		}
		if err := check(told...); err != nil {
			t.Error(err)
		}
		if err := check(told[0]); err == nil {
			t.Errorf("%s is taken", told[0])
		}
		if err := check(append(told, service+"_FROMAT=resp")...); err == nil {
			t.Errorf("%s_FROMAT is taken", service)
		}
	}
}
