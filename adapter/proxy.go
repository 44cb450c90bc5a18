package adapter

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// parseProxies reads addresses and networks.
func parseProxies(list []string) (proxies []netip.Prefix, err error) {
	for _, text := range list {
		proxy, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, err
			}
			proxy = netip.PrefixFrom(address, address.BitLen())
		}
		proxies = append(proxies, proxy)
	}
	return proxies, nil
}

// isHTTPS reports whether the client's connection is encrypted: as the public address
// says, or as a trusted proxy says.
func (s *Server) isHTTPS(r *http.Request) bool {
	if strings.HasPrefix(s.options.BaseURL, "https://") || r.TLS != nil {
		return true
	}
	proto := r.Header.Get("X-Forwarded-Proto")
	if proto == "" {
		return false
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && strings.EqualFold(strings.TrimSpace(proto), "https") &&
		slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(remote.Addr().Unmap()) })
}
