// Package broker is the Kafka that a shop on one machine brings along: a
// broker that speaks Kafka's protocol, keeps its topics in a folder, and runs
// in a child process that a Supervisor starts again when it ends.
//
// It is the only place that knows which library speaks the protocol (kfake of
// twmb/franz-go) and what that library must be kept from. It knows neither the
// shop's topics nor its events nor its configuration file: those who start it
// hand over a folder and addresses, and all others talk to it as to any Kafka.
package broker
