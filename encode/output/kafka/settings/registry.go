package settings

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"pikabin/encode/output/options"
)

// Registry is where the schemas of records are kept, and how it knows us. Secrets come from the environment or from files.
type Registry struct {
	URLs     []string // empty: records do not tell their schema by an id
	Register bool     // schemas that are missing there
	options.Certificates

	User         string
	Password     string
	PasswordFile string
	Token        string
	TokenFile    string
}

func (r *Registry) read(v *options.Values) {
	if urls := v.Text("registry", ""); urls != "" {
		r.URLs = strings.Split(urls, ",")
	}
	r.Register = v.Flag("register-schemas")
	r.Certificates = options.ReadCertificates(v, "registry-")
	r.User, r.PasswordFile, r.TokenFile = v.Text("registry-user", ""), v.Text("registry-password-file", ""), v.Text("registry-token-file", "")
	r.Password, r.Token = v.Secret("registry-password"), v.Secret("registry-token")
}

func (r *Registry) check(o *Options) error {
	for _, address := range r.URLs {
		u, err := url.Parse(address)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			return errors.New("option registry: expected http://HOST:PORT or https://HOST:PORT, several of one registry parted by commas")
		case u.User != nil:
			return fmt.Errorf("option registry: a name or a password does not belong into the address: set the option registry-user, and %s in the environment",
				options.Variable(envPrefix, "registry-password"))
		}
	}
	password, token := r.Password != "" || r.PasswordFile != "", r.Token != "" || r.TokenFile != ""
	switch {
	case r.Register && len(r.URLs) == 0:
		return errors.New("option register-schemas goes with registry, which says where")
	case (r.Cert == "") != (r.Key == ""):
		return errors.New("options registry-tls-cert and registry-tls-key go together")
	case r.User != "" && !password:
		return fmt.Errorf("option registry-user needs a password in %s or in the file that registry-password-file names", options.Variable(envPrefix, "registry-password"))
	case r.User != "" && token:
		return errors.New("option registry-user and a token of the registry do not go together")
	case len(r.URLs) > 0 && o.OnOversize == OversizeToFolder:
		return errors.New("on-oversize=blob puts records into the topic that are of no schema: with the option registry take dlq:TOPIC or dlq:/PATH/OF/A/FILE")
	}
	return nil
}

// InClear reports whether a secret can be read by who listens on the way to the registry.
func (r *Registry) InClear() bool {
	secret := r.User != "" || r.Token != "" || r.TokenFile != ""
	for _, address := range r.URLs {
		if secret && strings.HasPrefix(address, "http:") {
			return true
		}
	}
	return false
}
