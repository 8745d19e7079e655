package webhdfs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/jcmturner/gokrb5/v8/spnego"

	"pikabin/encode/output/object/store"
)

// sendLogin sends a request with a login by Kerberos. From then on a cookie tells who we are, for as long as the server says, and datanodes are asked with a token
// that the namenode puts into the address.
func (f *Folder) sendLogin(ctx context.Context, method string, to *url.URL) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	if err := f.login(request); err != nil {
		return nil, err
	}
	return f.exchange(request)
}

// login puts a ticket into a request. Each one is by the keys of now, so that a keytab may be replaced during the run.
func (f *Folder) login(request *http.Request) error {
	client, err := f.target.Login.Client()
	if err == nil {
		defer client.Destroy()
		err = spnego.SetSPNEGOHeader(client, request, "HTTP/"+strings.ToLower(request.URL.Hostname()))
	}
	if err == nil {
		return nil
	}
	// that a file is not there says nothing of the folder
	text := fmt.Errorf("logging in by Kerberos as %s: %s", f.target.User, firstLine(err.Error()))
	if client == nil || strings.Contains(err.Error(), "KDC_ERR_") || strings.Contains(err.Error(), "KRB_AP_ERR_") {
		return &store.RefusedError{Err: text, Advice: "look at the keytab, the file with the realms, the clock, and whether the KDC knows HTTP/NAMENODE by the name in the address"}
	}
	return text
}
