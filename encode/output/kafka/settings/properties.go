package settings

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/magiconair/properties"
)

// propertyNames are the options that properties of Kafka's Java client and of librdkafka stand for.
var propertyNames = map[string]string{ //nolint:gosec // names of secrets, and no secrets
	"client.id": "client-id", "compression.type": "compression", "compression.codec": "compression", "batch.size": "batch-bytes", "buffer.memory": "buffer",
	"ssl.ca.location": "tls-ca", "ssl.truststore.location": "tls-ca", "ssl.certificate.location": "tls-cert", "ssl.key.location": "tls-key",
	"sasl.username": "user", "sasl.password": "password",
	"sasl.kerberos.service.name": "kerberos-service", "sasl.kerberos.keytab": "kerberos-keytab", "sasl.kerberos.principal": "user",
	"sasl.oauthbearer.token.endpoint.url": "oauth-url", "sasl.oauthbearer.client.id": "oauth-client",
	"sasl.oauthbearer.client.secret": "oauth-secret", "sasl.oauthbearer.scope": "oauth-scope",
	"sasl.oauthbearer.client.credentials.client.id": "oauth-client", "sasl.oauthbearer.client.credentials.client.secret": "oauth-secret",
}

// propertySpans are those that are numbers of milliseconds.
var propertySpans = map[string]string{"linger.ms": "linger", "queue.buffering.max.ms": "linger", "transaction.timeout.ms": "transaction-timeout"}

// mechanisms are what the values of sasl.mechanism stand for.
var mechanisms = map[string]string{
	"PLAIN": Plain, "SCRAM-SHA-256": Scram256, "SCRAM-SHA-512": Scram512, "OAUTHBEARER": Bearer, "AWS_MSK_IAM": AWS, "GSSAPI": Kerberos,
}

// jaasNames are the options that those of a login module stand for.
var jaasNames = map[string]string{
	"username": "user", "password": "password", "principal": "user", "keyTab": "kerberos-keytab", "serviceName": "kerberos-service",
	"clientId": "oauth-client", "clientSecret": "oauth-secret", "scope": "oauth-scope",
}

// meaningless are properties of security that change nothing here: what they ask for is so in any case, or is found out.
var meaningless = []string{
	"sasl.login.callback.handler.class", "sasl.client.callback.handler.class", "sasl.oauthbearer.method", "ssl.protocol", "ssl.enabled.protocols",
	"ssl.endpoint.identification.algorithm", "ssl.truststore.type", "ssl.keystore.type", "enable.ssl.certificate.verification",
}

// readProperties reads a file of properties, as options. What is of no concern for what is sent is passed over, but nothing of security.
func readProperties(path string) (map[string]string, error) {
	file, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadFile(path)
	if err != nil {
		return nil, fmt.Errorf("option properties: %w", err)
	}
	options, given := map[string]string{}, file.Map()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := property(options, name, strings.TrimSpace(given[name])); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", path, name, err)
		}
	}
	return options, nil
}

// property puts what a property says into the options.
func property(options map[string]string, name, value string) error {
	_, span := propertySpans[name]
	switch option, known := propertyNames[name]; {
	case known:
		options[option] = value
		return pemOnly(name, value)
	case span:
		options[propertySpans[name]] = value + "ms"
	case name == "security.protocol":
		return protocol(options, value)
	case name == "sasl.mechanism" || name == "sasl.mechanisms":
		mechanism, ok := mechanisms[strings.ToUpper(value)]
		if !ok {
			return fmt.Errorf("there is no mechanism %q, only %s", value, strings.Join(slices.Sorted(maps.Keys(mechanisms)), ", "))
		}
		options["sasl"] = mechanism
	case name == "sasl.jaas.config":
		for _, m := range jaasOption.FindAllStringSubmatch(value, -1) {
			if option, ok := jaasNames[m[1]]; ok {
				options[option] = m[2]
			}
		}
	case name == "ssl.endpoint.identification.algorithm" && value == "", name == "enable.ssl.certificate.verification" && value == "false":
		return errors.New("certificates are always checked: the option tls-server-name says what theirs is for")
	case !slices.Contains(meaningless, name) && (strings.HasPrefix(name, "ssl.") || strings.HasPrefix(name, "sasl.")):
		return errors.New("pikabin does not know this one, and without it the connection may be another one")
	}
	return nil
}

// jaasOption is one of a login module: NAME="VALUE".
var jaasOption = regexp.MustCompile(`(\w+)\s*=\s*"([^"]*)"`)

// pemOnly refuses certificates in the files of Java.
func pemOnly(name, value string) error {
	if name == "ssl.truststore.location" && !strings.HasSuffix(value, ".pem") && !strings.HasSuffix(value, ".crt") {
		return fmt.Errorf("%s is not a file of certificates as PEM: keytool -exportcert -rfc makes one", value)
	}
	return nil
}

// protocol is what security.protocol says.
func protocol(options map[string]string, value string) error {
	switch strings.ToUpper(value) {
	case "PLAINTEXT", "SASL_PLAINTEXT":
	case "SSL", "SASL_SSL":
		options["tls"] = "true"
	default:
		return fmt.Errorf("there is no protocol %q", value)
	}
	return nil
}
