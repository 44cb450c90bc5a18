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

// proxies are toxiproxy's proxies, one in front of each broker. The toxiproxy server
// runs as a separate program, which keeps its libraries out of the shop's module.
type proxies struct {
	server *testbed.Process
	all    []*toxiproxy.Proxy
}

// startProxies builds and starts the server at address, with a proxy from each front to
// the address behind it.
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

// poison adds a toxic to every connection, present and future, in both directions.
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

// swallow drops every byte. Connections stay open and new ones are accepted.
func (p *proxies) swallow() error { return p.poison("timeout", toxiproxy.Attributes{"timeout": 0}) }

// slow delays all bytes by about delay milliseconds and limits each connection to rate
// kilobytes per second.
func (p *proxies) slow(delay, rate int64) error {
	return errors.Join(p.poison("latency", toxiproxy.Attributes{"latency": delay, "jitter": delay / 2}),
		p.poison("bandwidth", toxiproxy.Attributes{"rate": rate}))
}

// limit closes each connection after that many bytes.
func (p *proxies) limit(bytes int64) error {
	return p.poison("limit_data", toxiproxy.Attributes{"bytes": bytes})
}

// reset closes all connections and refuses new ones until heal.
func (p *proxies) reset() (err error) {
	for _, proxy := range p.all {
		err = errors.Join(err, proxy.Disable())
	}
	return err
}

// heal removes all disturbances.
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
