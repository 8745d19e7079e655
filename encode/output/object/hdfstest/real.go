package hdfstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Consumer reads what is in the HDFS that scripts/hdfs.sh has started, as somebody else would.
type Consumer struct {
	address   string
	transport http.RoundTripper
}

// Real is the consumer, and the address of the root.
func Real(tb testing.TB) (c *Consumer, root string) {
	tb.Helper()
	root = os.Getenv("PIKABIN_TEST_HDFS")
	if root == "" {
		tb.Fatal("PIKABIN_TEST_HDFS is empty: run scripts/hdfs.sh test")
	}
	address := "http" + strings.TrimSuffix(strings.TrimPrefix(root, "webhdfs"), "/") + "/webhdfs/v1"
	return &Consumer{address, &http.Transport{DisableKeepAlives: true}}, root
}

// Files gives what is below a folder by name, with what tells a file from another one that has the name later.
func (c *Consumer) Files(ctx context.Context, dir string) (map[string]string, error) {
	files := map[string]string{}
	return files, c.walk(ctx, dir, "", files)
}

func (c *Consumer) walk(ctx context.Context, dir, below string, files map[string]string) error {
	text, err := c.get(ctx, dir+below, "LISTSTATUS")
	if err != nil {
		return err
	}
	var answer struct {
		FileStatuses struct {
			FileStatus []struct {
				PathSuffix, Type                 string
				FileID, Length, ModificationTime int64
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	for _, f := range answer.FileStatuses.FileStatus {
		name := below + f.PathSuffix
		if f.Type == "FILE" {
			files[name] = fmt.Sprintf("%d %d %d", f.FileID, f.Length, f.ModificationTime)
		} else if err := c.walk(ctx, dir, name+"/", files); err != nil {
			return err
		}
	}
	return nil
}

// Read gives the content of a file.
func (c *Consumer) Read(ctx context.Context, path string) (string, error) {
	return c.get(ctx, path, "OPEN")
}

// Put makes a file, as somebody else would.
func (c *Consumer) Put(ctx context.Context, path, content string) error {
	for address := c.url(path, "CREATE"); address != ""; {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, strings.NewReader(content))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/octet-stream")
		_, next, err := c.do(request)
		if err != nil {
			return err
		}
		if address = next; strings.HasPrefix(address, "hdfs:") {
			return nil
		}
	}
	return nil
}

func (c *Consumer) url(path, op string) string {
	return c.address + (&url.URL{Path: "/" + strings.TrimPrefix(path, "/")}).EscapedPath() + "?user.name=root&op=" + op
}

func (c *Consumer) get(ctx context.Context, path, op string) (string, error) {
	for address := c.url(path, op); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return "", err
		}
		text, next, err := c.do(request)
		if next == "" || err != nil {
			return text, err
		}
		address = next
	}
}

// do asks, and gives where it is sent to.
func (c *Consumer) do(request *http.Request) (text, next string, err error) {
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: HTTP %d: %s", request.URL.Path, answer.StatusCode, content)
	}
	return string(content), answer.Header.Get("Location"), err
}
