"""trace beside mem0's library, on the same rows, in the same run, in turns.

    python3 -m venv target/peers && target/peers/bin/pip install mem0ai==2.2.1 faiss-cpu
    cargo build --release
    target/peers/bin/python benches/peers/mem0_library.py --rows 10000

mem0 runs inside this process, with a hash embedder of 384 dimensions (no model, no network) and one of its local vector
stores. trace runs as `trace serve` and is asked over HTTP, so its figures hold the whole way there and back; its CPU time is
the server's alone, as the system counts it. Both store every text as it is (`infer` off). Ratios within one run mean
something; single figures depend on the machine.
"""

import argparse
import hashlib
import http.client
import json
import math
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DIMENSION = 384
BATCH = 50
WORDS = 5_000
CLOCK_TICK = os.sysconf("SC_CLK_TCK")


class HashEmbedder:
    """Signed feature hashing of words: the same for all, and cheap."""

    def __init__(self):
        self.config = type("Config", (), {"embedding_dims": DIMENSION, "model": "hash"})()

    def embed(self, text, memory_action=None):
        vector = [0.0] * DIMENSION
        for word in text.lower().split():
            digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
            vector[int.from_bytes(digest[:4], "little") % DIMENSION] += 1.0 if digest[4] & 1 else -1.0
        length = math.sqrt(sum(number * number for number in vector)) or 1.0
        return [number / length for number in vector]

    def embed_batch(self, texts, memory_action=None):
        return [self.embed(text) for text in texts]


class Mem0:
    """mem0's library with a local vector store."""

    def __init__(self, store, folder):
        from mem0 import Memory

        paths = {"path": os.path.join(folder, store), "collection_name": "rows", "embedding_model_dims": DIMENSION}
        if store == "qdrant":
            paths["on_disk"] = True
        self.memory = Memory.from_config(
            {
                "vector_store": {"provider": store, "config": paths},
                # Neither is asked anything: texts are stored as they are, and the embedder is replaced below.
                "llm": {"provider": "openai", "config": {"api_key": "unused"}},
                "embedder": {"provider": "openai", "config": {"api_key": "unused", "embedding_dims": DIMENSION}},
                "history_db_path": os.path.join(folder, "history.db"),
            }
        )
        self.memory.embedding_model = HashEmbedder()
        self.name = f"mem0 {store}"

    def add(self, text):
        self.memory.add(text, user_id="ana", infer=False)

    def search(self, text):
        found = self.memory.search(text, filters={"user_id": "ana"}, top_k=10)
        return [hit["memory"] for hit in found["results"]]

    def cpu(self):
        return time.process_time()

    def peak_mib(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def close(self):
        self.memory.close()


class Trace:
    """`trace serve`, asked over HTTP on loopback."""

    def __init__(self, program, folder):
        command = [program, "serve", "--data", folder, "--listen", "127.0.0.1:0", "--format", "json"]
        environment = {**os.environ, "TRACE_EMBEDDING": "hash"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        address = json.loads(self.process.stdout.readline())["url"]
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"))
        self.name = "trace"

    def ask(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            raise RuntimeError(f"{path}: {response.status} {answer}")
        return answer

    def add(self, text):
        self.ask("/v1/memories", {"text": text, "user_id": "ana"})

    def search(self, text):
        found = self.ask("/v1/search", {"query": text, "filter": {"user_id": "ana"}, "limit": 10})
        return [hit["text"] for hit in found["results"]]

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICK

    def peak_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def rows(count, seed):
    """Sentences of a made-up language in which few words are frequent, as in any other."""
    chance = random.Random(seed)
    words = [f"w{number:x}" for number in range(WORDS)]
    weights = [1 / (rank + 1) for rank in range(WORDS)]
    return [" ".join(chance.choices(words, weights, k=chance.randint(6, 20))) + f" n{row}" for row in range(count)]


def timed(peers, operation, arguments):
    """Runs an operation on each peer in turns, a batch at a time; gives back what each took."""
    walls = {peer.name: [] for peer in peers}
    cpus = dict.fromkeys(walls, 0.0)
    for start in range(0, len(arguments), BATCH):
        batch = arguments[start : start + BATCH]
        # Who goes first changes, so that a busy moment of the machine hits nobody more often.
        order = peers if (start // BATCH) % 2 == 0 else peers[::-1]
        for peer in order:
            before = peer.cpu()
            for argument in batch:
                begun = time.perf_counter()
                getattr(peer, operation)(argument)
                walls[peer.name].append(time.perf_counter() - begun)
            cpus[peer.name] += peer.cpu() - before
        print(f"\r{operation} {start + len(batch):>7}/{len(arguments)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    count = max(len(arguments), 1)
    return {name: (statistics.median(times) * 1e3, cpus[name] / count * 1e3) for name, times in walls.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--rows", type=int, default=10_000)
    arguments.add_argument("--searches", type=int, default=200)
    arguments.add_argument("--store", choices=["faiss", "qdrant"], default="faiss", help="mem0's vector store")
    arguments.add_argument("--trace", default="target/release/trace", help="the program `trace`")
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--format", choices=["table", "json"], default="table")
    arguments = arguments.parse_args()

    folder = tempfile.mkdtemp()
    os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=os.path.join(folder, "mem0"), OPENAI_API_KEY="unused")
    peers = [Trace(arguments.trace, os.path.join(folder, "trace")), Mem0(arguments.store, folder)]
    try:
        texts = rows(arguments.rows, arguments.seed)
        added = timed(peers, "add", texts)
        chance = random.Random(arguments.seed + 1)
        # Each search asks for some words of one row and its own number: who finds anything has to find that row.
        wanted = chance.sample(texts, min(arguments.searches, len(texts)))
        queries = [" ".join(chance.sample(text.split()[:-1], 3) + text.split()[-1:]) for text in wanted]
        found = {
            peer.name: sum(text in peer.search(query) for text, query in zip(wanted[:50], queries)) / len(wanted[:50])
            for peer in peers
        }
        searched = timed(peers, "search", queries)
        figures = [
            {
                "name": peer.name,
                "add_ms": added[peer.name][0],
                "add_cpu_ms": added[peer.name][1],
                "search_ms": searched[peer.name][0],
                "search_cpu_ms": searched[peer.name][1],
                "found": found[peer.name],
                "peak_mib": peer.peak_mib(),
            }
            for peer in peers
        ]
        report(figures, arguments)
    finally:
        for peer in peers:
            peer.close()
        shutil.rmtree(folder, ignore_errors=True)


def report(figures, arguments):
    ours, theirs = figures
    ratios = {key: theirs[key] / ours[key] if ours[key] else math.inf for key in ours if key.endswith("_ms")}
    if arguments.format == "json":
        print(json.dumps({"rows": arguments.rows, "peers": figures, "ratios": ratios}))
        return
    print(f"{arguments.rows} rows, {arguments.searches} searches; medians of wall time, means of CPU time")
    print("| | add, ms | CPU | search, ms | CPU | right row in 10 | peak, MiB |\n|---|---|---|---|---|---|---|")
    for peer in figures:
        numbers = [peer[key] for key in ("add_ms", "add_cpu_ms", "search_ms", "search_cpu_ms")]
        cells = [f"{number:.2f}" for number in numbers] + [f"{peer['found']:.0%}", f"{peer['peak_mib']:.0f}"]
        print(f"| {peer['name']} | {' | '.join(cells)} |")
    times = [f"{ratios[key]:.1f}" for key in ("add_ms", "add_cpu_ms", "search_ms", "search_cpu_ms")]
    print(f"| **mem0 takes … times as much** | {' | '.join(times)} | | |")


if __name__ == "__main__":
    main()
