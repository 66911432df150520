# Everything from a fresh checkout, on Linux with Node 20: no step needs another one done by hand before.
#
#   make build    packages and compiler, into build/
#   make setup    Asterisk, Redis, SIPp and speech, into the cache folder
#   make demo     a campaign on sixty phones and three callers, in a minute
#   make test     set-up, build, lint, all tests; the last line is `N passed, N failed`
#   make chaos    random faults over two instances and two nodes for half an hour
#   make bench    the speed of a live call beside other ways to hold it, in thirteen minutes on a quiet machine

SHELL := /bin/bash
BIN := node_modules/.bin
.NOTPARALLEL:
.PHONY: all build setup lint format test demo chaos bench clean node

all: build

node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo 'Node.js with npm is missing: install Node 20.19 or later (https://nodejs.org), then run make again.'; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || { echo "Node $$(node --version) is too old: version 20.19 or later is needed."; exit 1; }
	@[ "$$(uname -s)" = Linux ] || { echo 'The embedded servers are made for Linux; on other systems use the containers in docker/.'; exit 1; }

# Install scripts stay off: nothing that is needed has one.
node_modules/.ready: package.json package-lock.json | node
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

build: node node_modules/.ready
	$(BIN)/tsc -p tsconfig.json
	@[ ! -f build/src/main.js ] || chmod +x build/src/main.js

setup:
	@setup/install.sh

lint: node_modules/.ready
	$(BIN)/biome check --error-on-warnings .

format: node_modules/.ready
	$(BIN)/biome check --write .

# A part of a file's path runs that part alone: make test only=asterisk
test: setup build lint
	@node build/test/support/run.js $(only)

demo: setup build
	@node build/demo/main.js

# make chaos minutes=8 seed=2; see docs/faults.md
chaos: setup build
	@node build/test/faults/chaos/main.js $(if $(minutes),--minutes $(minutes)) $(if $(seed),--seed $(seed))

# make bench only=t1 (t2 … t5, journal), full=1, force=1, json=1, blocks=3, calls=20000 (of t5); see bench/README.md
bench: setup build
	@node build/bench/calls/main.js $(if $(only),--only $(only)) $(if $(blocks),--blocks $(blocks)) $(if $(calls),--calls $(calls)) $(foreach flag,full force json,$(if $($(flag)),--$(flag)))

clean:
	rm -rf build
