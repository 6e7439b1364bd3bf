// etcd, its tools, and a client for Deploydrill, in one program of one release: etcd-RELEASE server|ctl|snapshot|seed|client ...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
	"go.etcd.io/etcd/etcdutl/v3/etcdutl"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

func main() {
	switch rest := os.Args[2:]; os.Args[1] {
	case "server":
		etcdmain.Main(append([]string{"etcd"}, rest...))
	case "ctl":
		os.Args = append([]string{"etcdctl"}, rest...)
		ctlv3.MustStart()
	case "snapshot":
		command := etcdutl.NewSnapshotCommand()
		command.SetArgs(rest)
		fail(command.Execute())
	case "seed":
		fail(seed(connect(rest[0]), rest[1]))
	case "client":
		answer(connect(rest[0]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func connect(address string) *clientv3.Client {
	// It connects again at once, so that what is measured is the server's time.
	quick := grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond}}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialOptions: []grpc.DialOption{grpc.WithConnectParams(quick)}})
	fail(err)
	return client
}

func seed(client *clientv3.Client, bytes string) error {
	size, err := strconv.Atoi(bytes)
	for n := 0; err == nil && n < size/1024; n += 100 {
		puts := make([]clientv3.Op, 100)
		for i := range puts {
			puts[i] = clientv3.OpPut(fmt.Sprintf("seed/%08d", n+i), strings.Repeat("x", 1000))
		}
		_, err = client.Txn(context.Background()).Then(puts...).Commit()
	}
	return err
}

type question struct {
	ID                 int
	Do, Token, Payload string
}

func answer(client *clientv3.Client) {
	var lock sync.Mutex
	say := func(id int, told map[string]any) {
		lock.Lock()
		defer lock.Unlock()
		told["id"] = id
		line, _ := json.Marshal(told)
		fmt.Println(string(line))
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked question
		fail(json.Unmarshal(lines.Bytes(), &asked))
		go func() {
			told, err := ask(client, asked)
			if err != nil {
				told = map[string]any{"error": err.Error()}
			}
			say(asked.ID, told)
			if err == nil && asked.Do == "read_all" {
				say(asked.ID, map[string]any{"done": true})
			}
		}()
	}
}

func ask(client *clientv3.Client, asked question) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	switch asked.Do {
	case "write":
		_, err := client.Put(ctx, "notes/"+asked.Token, asked.Payload)
		if err == rpctypes.ErrNoSpace || err == rpctypes.ErrTooManyRequests {
			return map[string]any{"outcome": "refused", "said": err.Error()}, nil
		}
		return map[string]any{"outcome": "acknowledged"}, err
	case "version":
		status, err := client.Status(ctx, client.Endpoints()[0])
		if err != nil {
			return nil, err
		}
		return map[string]any{"version": status.Version}, nil
	case "read_all":
		found, err := client.Get(ctx, "notes/", clientv3.WithPrefix())
		if err != nil {
			return nil, err
		}
		entries := [][2]string{}
		for _, kv := range found.Kvs {
			entries = append(entries, [2]string{strings.TrimPrefix(string(kv.Key), "notes/"), string(kv.Value)})
		}
		return map[string]any{"entries": entries}, nil
	}
	_, err := client.Get(ctx, "notes/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	return map[string]any{"ok": true}, err
}
