.PHONY: build licenses run test race check lint bench weather overload chaos counting changes interests eval search requests trends fuzz large fire crawlers help

build: ## Build the program, stamped with its commit
	CGO_ENABLED=0 go build -buildvcs=true -tags nomsgpack -o event-books .

licenses: build ## Write the licences of all modules in the program to LICENSES.txt
	go run ./deploy/licenses event-books >LICENSES.txt

run: ## Run the shop with embedded parts
	go run .

test: ## Run all tests. Those that need servers skip unless TEST_ variables name them
	go test ./...

race: ## Run the same tests with the race detector
	go test -race ./...

check: ## Run everything that this machine can check, with the servers that it has; see deploy/test
	deploy/test/check.sh

lint: ## Check the format; run vet and staticcheck
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

bench: ## Measure the cost of the spool (12 minutes; docs/spool.md lists the variables to set), imports, and searches
	go run ./bench/spool
	go test -run '^$$' -bench . -benchtime 1x ./bench
	go run ./bench/search

requests: ## Compare whole requests with the tutorial's design (5 minutes; docs/search-speed.md lists the variables)
	go run ./bench/search -requests -books 78765

weather: ## Measure searches while Kafka is ill (12 minutes; docs/rough-weather.md lists the variables)
	go run ./bench/weather

overload: ## Measure the shop with more searches than it can answer (5 minutes; docs/overload.md)
	go run ./bench/overload

chaos: ## Kill the shop and its Kafka, then look for every answer, and count again (30 minutes; docs/chaos.md and docs/counting.md list the variables)
	go run ./bench/chaos
	go run ./bench/counting

counting: ## Kill consumers, shops and brokers, then compare all counts with a recount (15 minutes; docs/counting.md lists the variables)
	go run ./bench/counting

changes: ## Kill instances, then compare all copies of the catalogue; measure the stream of changes (20 minutes; docs/changes.md)
	go run ./bench/changes

trends: ## Measure how fast searches are counted, and trends answered (5 minutes; docs/trends.md)
	go run ./bench/trends

interests: ## Measure what recommendations cost at a million pairs of books (5 minutes; docs/recommendations.md)
	go run ./bench/interests

eval: ## Measure how well the search engine finds the books of TEST_DATA_DIR (5 minutes); with SESSIONS=file, judge the recommender on sessions (docs/recommendations.md)
	$(if $(SESSIONS),go run ./bench/recommendations -sessions "$(SESSIONS)" $(EVAL),go run ./bench/eval)

search: ## Measure the search engine beside a stock Bleve index (5 minutes; docs/search-speed.md; -books 1000000 takes an hour)
	go run ./bench/search

fuzz: ## Fuzz every parser of foreign input, 30 s each
	@grep -rEo --include='*_test.go' '^func Fuzz\w+' . | sed 's|/[^/]*:func | |' | sort | while read -r package target; do \
		(set -x; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 30s -fuzzminimizetime 5x "$$package") || exit 1; \
	done

large: ## Import files of 1 GB in less than 200 MB of memory (minutes)
	TEST_LARGE_FILE=1073741824 go test -timeout 60m -v -run TestLargeFiles ./e2e

fire: ## Throw 500,000 requests at the embedded broker (TEST_FUZZ_SEED sets the seed), and fill its disk
	TEST_FUZZED_REQUESTS=500000 go test -count=1 -timeout 30m -v -run 'Fire|Thousands|SlowLoris|NoFile|DiskFull|ShopOutlives' ./infrastructure/broker ./e2e

crawlers: ## Update the list of crawlers from npm
	d=$$(mktemp -d) && npm install --silent --prefix $$d crawler-user-agents && \
	node adapter/agent/crawlers.js $$d/node_modules/crawler-user-agents >adapter/agent/crawlers.txt && rm -rf $$d

help: ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 10
