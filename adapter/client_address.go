package adapter

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"
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
	return strings.EqualFold(strings.TrimSpace(proto), "https") && s.fromProxy(r.RemoteAddr)
}

// clientOf returns the network that limits count by: an IPv6 client has a whole /64.
func clientOf(c *gin.Context) string { return network(c.ClientIP(), 32, 64) }

// loggedNetwork is the part of a client's address that the access log has: enough to find
// a provider, not a person.
func loggedNetwork(c *gin.Context) string { return network(c.ClientIP(), 24, 48) }

// network returns the network of an address with that many bits, or "" for no address.
func network(client string, bits4, bits6 int) string {
	address, err := netip.ParseAddr(client)
	if err != nil {
		return ""
	}
	bits := bits4
	if address = address.Unmap(); address.Is6() {
		bits = bits6
	}
	return netip.PrefixFrom(address, bits).Masked().String()
}
