// Package kerberos is how outputs log in to a realm of Kerberos.
package kerberos

import (
	"fmt"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// Login is who logs in, and by which files.
type Login struct {
	Principal string // NAME@REALM
	Config    string // the file with the realms
	Keytab    string // the file with the keys; empty: it is by the password
	Password  string
}

// DefaultConfig is the file with the realms where other programs look for it.
const DefaultConfig = "/etc/krb5.conf"

// Client makes a client with the keys of now. Nothing is asked yet.
func (l *Login) Client() (*client.Client, error) {
	realms, err := config.Load(l.Config)
	if err != nil {
		return nil, fmt.Errorf("reading the file of kerberos-config: %w", err)
	}
	user, realm, _ := strings.Cut(l.Principal, "@")
	if l.Keytab == "" {
		return client.NewWithPassword(user, realm, l.Password, realms, client.DisablePAFXFAST(true)), nil
	}
	keys, err := keytab.Load(l.Keytab)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of kerberos-keytab: %w", err)
	}
	return client.NewWithKeytab(user, realm, keys, realms, client.DisablePAFXFAST(true)), nil
}
