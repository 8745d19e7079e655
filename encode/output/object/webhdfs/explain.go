package webhdfs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"pikabin/encode/output/object/store"
)

// Some of what a server answers.
const (
	standbyException = "StandbyException" // of a namenode that is not the active one
	existsException  = "FileAlreadyExistsException"
)

// What is told of servers that answer otherwise.
const (
	noWebHDFS = "no WebHDFS"
	noOptions = "no option of a rename was looked at"
)

// explain says what was done, and what can be done about the answer.
func (f *Folder) explain(doing, name string, err error) error {
	remote, answered := errors.AsType[*remoteError](err)
	err = fmt.Errorf("%s %s%s: %w", doing, f, name, err)
	if !answered {
		return store.Unreachable(err, "the server does not speak TLS: "+Scheme)
	}
	switch remote.Exception {
	case "FileNotFoundException":
		return fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	case existsException:
		return fmt.Errorf("%w: %w", err, store.ErrExists)
	case standbyException:
		return fmt.Errorf("%w; if no namenode of this address becomes active, name all: %sNAMENODE1:9870,NAMENODE2:9870/PATH/", err, Scheme)
	}
	if advice := f.adviceOn(remote); advice != "" {
		return &store.RefusedError{Err: err, Advice: advice}
	}
	return err
}

// adviceOn is what can be done about an answer that does not change by itself. That the namenode is in safe mode does.
func (f *Folder) adviceOn(e *remoteError) string {
	switch {
	case e.Exception == "AccessControlException":
		return fmt.Sprintf("the user %s needs the right to read, write and search there: change owner or permissions of the folder, or name another user by user=NAME or %s", f.target.User, userVariable)
	case e.status == http.StatusUnauthorized || e.Exception == "SecurityException":
		return "the cluster wants a login by Kerberos that it knows: the options user=NAME@REALM and kerberos-keytab=FILE"
	case strings.HasPrefix(e.Message, "It looks like you are making an HTTP request to a Hadoop IPC port"):
		return "this is the port of hdfs://: name the namenode's port of HTTP, which is 9870 unless dfs.namenode.http-address says otherwise"
	case e.Exception == noWebHDFS && e.status == http.StatusNotFound:
		return "name the address of a namenode's HTTP server, where dfs.webhdfs.enabled is true"
	case strings.HasSuffix(e.Exception, "QuotaExceededException"):
		return "raise the quota of the folder, or remove what is not needed"
	case strings.Contains(e.Message, "dfs.namenode.xattrs.enabled"):
		return "set dfs.namenode.xattrs.enabled to true: what a part holds is told by an extended attribute"
	case e.Exception == noOptions:
		return "name the namenodes, and no gateway: only they rename a file under a condition"
	case e.Exception == "InvalidPathException" || e.Exception == "PathComponentTooLongException" || e.Exception == "ParentNotDirectoryException":
		return "name another path"
	}
	return ""
}
