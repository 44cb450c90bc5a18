//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"

	"literank.com/event-books/bench/testbed"
)

const toxiproxyModule = "github.com/Shopify/toxiproxy/v2"

// proxies are toxiproxy's, one in front of each broker. Its server is a program
// of its own: as a library it would bring its own libraries into the shop's
// module.
type proxies struct {
	server *testbed.Process
	all    []*toxiproxy.Proxy
}

// startProxies builds the server and starts it at an address, with a proxy at
// each of the fronts for what is behind it.
func startProxies(ctx context.Context, dir, address string, fronts, behind []string) (*proxies, error) {
	install := exec.CommandContext(ctx, "go", "install", toxiproxyModule+"/cmd/server@"+testbed.ModuleVersion(toxiproxyModule))
	install.Env = append(os.Environ(), "GOBIN="+dir)
	if output, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build toxiproxy: %w\n%s", err, output)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "toxiproxy.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(filepath.Join(dir, "server"), "-host", host, "-port", port)
	command.Stdout, command.Stderr = log, log
	p := &proxies{}
	if p.server, err = testbed.Run(command); err != nil {
		return nil, fmt.Errorf("start toxiproxy: %w", err)
	}
	client := toxiproxy.NewClient(address)
	err = testbed.Eventually(ctx, time.Minute, func() error {
		if p.server.Ended() {
			return testbed.ErrEnded
		}
		_, err := client.Proxies()
		return err
	})
	for i := range fronts {
		if err != nil {
			break
		}
		var proxy *toxiproxy.Proxy
		proxy, err = client.CreateProxy("broker-"+strconv.Itoa(i+1), fronts[i], behind[i])
		p.all = append(p.all, proxy)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start toxiproxy: %w", err), p.close())
	}
	return p, nil
}

func (p *proxies) close() error { return p.server.End(syscall.SIGKILL) }

var streams = []string{"upstream", "downstream"}

// poison lets every connection, present and future, feel a toxic in both
// directions.
func (p *proxies) poison(kind string, attributes toxiproxy.Attributes) error {
	for _, proxy := range p.all {
		for _, stream := range streams {
			if _, err := proxy.AddToxic(kind+"_"+stream, kind, stream, 1, attributes); err != nil {
				return fmt.Errorf("toxiproxy: %w", err)
			}
		}
	}
	return nil
}

// swallow takes every byte; connections stay open and new ones are taken.
func (p *proxies) swallow() error { return p.poison("timeout", toxiproxy.Attributes{"timeout": 0}) }

// slow delays everything by so many milliseconds, more or less, and lets so
// many kilobytes pass in a second, per connection.
func (p *proxies) slow(delay, rate int64) error {
	return errors.Join(p.poison("latency", toxiproxy.Attributes{"latency": delay, "jitter": delay / 2}),
		p.poison("bandwidth", toxiproxy.Attributes{"rate": rate}))
}

// limit ends each connection after so many bytes.
func (p *proxies) limit(bytes int64) error {
	return p.poison("limit_data", toxiproxy.Attributes{"bytes": bytes})
}

// reset ends all connections and refuses new ones until heal.
func (p *proxies) reset() (err error) {
	for _, proxy := range p.all {
		err = errors.Join(err, proxy.Disable())
	}
	return err
}

// heal lets everything pass again.
func (p *proxies) heal() error {
	for _, proxy := range p.all {
		toxics, err := proxy.Toxics()
		if err != nil {
			return fmt.Errorf("toxiproxy: %w", err)
		}
		for _, toxic := range toxics {
			if err := proxy.RemoveToxic(toxic.Name); err != nil {
				return fmt.Errorf("toxiproxy: %w", err)
			}
		}
		if !proxy.Enabled {
			if err := proxy.Enable(); err != nil {
				return fmt.Errorf("toxiproxy: %w", err)
			}
		}
	}
	return nil
}
