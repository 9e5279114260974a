// Package suites runs the test suites of containerd's own library against a
// socket: whoever answers there has to behave as containerd does.
//
// It is compiled with Debian's golang-github-containerd-containerd-dev and the
// build's golang, without modules: GO111MODULE=off GOPATH=/usr/share/gocode.
// The socket is named by BERTH_SOCKET, the snapshotter by BERTH_SNAPSHOTTER.
package suites

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containerd/containerd"
	"github.com/containerd/containerd/content"
	contentsuite "github.com/containerd/containerd/content/testsuite"
	"github.com/containerd/containerd/errdefs"
	"github.com/containerd/containerd/namespaces"
	"github.com/containerd/containerd/snapshots"
	snapshotsuite "github.com/containerd/containerd/snapshots/testsuite"
)

func connect(t *testing.T) *containerd.Client {
	client, err := containerd.New(os.Getenv("BERTH_SOCKET"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// openContent answers how a test of the suite opens its store. Each context
// that the test asks for is a namespace of its own, with a lease.
func openContent(client *containerd.Client) contentsuite.StoreInitFn {
	return func(ctx context.Context, root string) (context.Context, content.Store, func() error, error) {
		store := client.ContentStore()
		prefix := root[strings.LastIndexByte(root, '-')+1:]
		var names []string
		ctx = contentsuite.SetContextWrapper(ctx, func(ctx context.Context) (context.Context, func(context.Context) error, error) {
			name := fmt.Sprintf("suite-%s-%d", prefix, len(names))
			names = append(names, name)
			return client.WithLease(namespaces.WithNamespace(ctx, name))
		})
		return ctx, store, func() error { return emptyAll(client, names) }, nil
	}
}

// emptyAll removes what a test left in its namespaces, and they themselves.
func emptyAll(client *containerd.Client, names []string) error {
	store := client.ContentStore()
	for _, name := range names {
		ctx := namespaces.WithNamespace(context.Background(), name)
		statuses, err := store.ListStatuses(ctx)
		if err != nil {
			return err
		}
		for _, status := range statuses {
			if err := store.Abort(ctx, status.Ref); err != nil && !errdefs.IsNotFound(err) {
				return err
			}
		}
		var all []content.Info
		err = store.Walk(ctx, func(info content.Info) error {
			all = append(all, info)
			return nil
		})
		if err != nil {
			return err
		}
		for _, info := range all {
			if err := store.Delete(ctx, info.Digest); err != nil && !errdefs.IsNotFound(err) {
				return err
			}
		}
		if err := client.NamespaceService().Delete(ctx, name); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func TestContent(t *testing.T) {
	client := connect(t)
	contentsuite.ContentSuite(t, "content", openContent(client))
	contentsuite.ContentCrossNSSharedSuite(t, "content", openContent(client))
}

func TestSnapshots(t *testing.T) {
	client := connect(t)
	name := os.Getenv("BERTH_SNAPSHOTTER")
	snapshotsuite.SnapshotterSuite(t, name, func(ctx context.Context, root string) (snapshots.Snapshotter, func() error, error) {
		return client.SnapshotService(name), func() error { return nil }, nil
	})
}
