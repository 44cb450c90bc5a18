package adapter

import (
	"net/netip"
	"slices"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
)

// traces returns the middleware that makes a span for each request but those of operations
// and static files. It continues the trace of a trusted proxy. Other clients can't choose a
// trace, nor that it is recorded.
func (s *Server) traces() gin.HandlersChain {
	if s.options.Tracer == nil {
		return nil
	}
	own := func(c *gin.Context) {
		if !s.fromProxy(c.Request.RemoteAddr) {
			c.Request.Header.Del("Traceparent")
			c.Request.Header.Del("Tracestate")
		}
	}
	return gin.HandlersChain{own, otelgin.Middleware("",
		otelgin.WithTracerProvider(s.options.Tracer), otelgin.WithMeterProvider(noop.NewMeterProvider()),
		otelgin.WithPropagators(propagation.TraceContext{}),
		otelgin.WithGinFilter(func(c *gin.Context) bool { return !free(c.Request.URL.Path) }))}
}

// fromProxy reports whether a request comes from a trusted proxy.
func (s *Server) fromProxy(remote string) bool {
	address, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(address.Addr().Unmap()) })
}
