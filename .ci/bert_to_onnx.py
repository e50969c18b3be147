"""Writes the network of a sentence embedder as ONNX: `bert_to_onnx.py FOLDER OUT` reads `model.safetensors` and `config.json`.

Continuous integration converts by itself because the package registry has the weights of all-MiniLM-L6-v2 as safetensors
only. Positions are a slice of a constant: what counts or ranges over the input fails in one runtime or another.
"""

import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def safetensors(path):
    """The tensors of a file: a length, a header in JSON, and the numbers."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    for name, about in header.items():
        if about["dtype"] == "F32":
            start, end = (8 + length + offset for offset in about["data_offsets"])
            yield name, np.frombuffer(data[start:end], "<f4").reshape(about["shape"])


class Graph:
    """Nodes and constants, each named by its number."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, values, kind=np.int64):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def floats(self, values):
        return self.constant(values, np.float32)

    def __call__(self, kind, *inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def bert(tensors, config):
    """The encoder of BERT, from ids of tokens to the state of each."""
    g, heads, epsilon = Graph(), config["num_attention_heads"], config["layer_norm_eps"]

    def linear(states, name):
        weight = g.floats(tensors[f"{name}.weight"].T)
        return g("Add", g("MatMul", states, weight), g.floats(tensors[f"{name}.bias"]))

    def norm(states, name):
        weight, bias = (g.floats(tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return g("LayerNormalization", states, weight, bias, axis=-1, epsilon=epsilon)

    def embedding(name, ids):
        return g("Gather", g.floats(tensors[f"embeddings.{name}_embeddings.weight"]), ids)

    def split(states, order):
        shape = g.constant([0, 0, heads, config["hidden_size"] // heads])
        return g("Transpose", g("Reshape", states, shape), perm=order)

    def attention(states, layer, mask):
        query, key, value = (linear(states, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        scores = g("MatMul", split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1]))
        scale = g.floats((config["hidden_size"] / heads) ** -0.5)
        weights = g("Softmax", g("Add", g("Mul", scores, scale), mask), axis=-1)
        context = g("Transpose", g("MatMul", weights, split(value, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        return g("Reshape", context, g.constant([0, 0, config["hidden_size"]]))

    def gelu(states):
        erf = g("Erf", g("Mul", states, g.floats(0.5**0.5)))
        return g("Mul", g("Mul", states, g.floats(0.5)), g("Add", erf, g.floats(1.0)))

    one = g.constant([1])
    length = g("Slice", g("Shape", "input_ids"), one, g.constant([2]))
    every = g.constant(np.arange(config["max_position_embeddings"])[None])
    places = g("Slice", every, g.constant([0]), length, one)
    present = g("Unsqueeze", g("Cast", "attention_mask", to=TensorProto.FLOAT), g.constant([1, 2]))
    mask = g("Mul", g("Sub", g.floats(1.0), present), g.floats(-10000.0))

    states = g("Add", embedding("word", "input_ids"), embedding("token_type", "token_type_ids"))
    states = norm(g("Add", states, embedding("position", places)), "embeddings.LayerNorm")
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        attended = linear(attention(states, layer, mask), f"{layer}.attention.output.dense")
        states = norm(g("Add", states, attended), f"{layer}.attention.output.LayerNorm")
        inner = gelu(linear(states, f"{layer}.intermediate.dense"))
        states = norm(g("Add", states, linear(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
    g.nodes.append(helper.make_node("Identity", [states], ["last_hidden_state"]))

    ids = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", config["hidden_size"]])
    graph = helper.make_graph(g.nodes, "bert", ids, [out], g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main(folder, out):
    config = json.loads((folder / "config.json").read_text())
    model = bert(dict(safetensors(folder / "model.safetensors")), config)
    onnx.checker.check_model(model)
    unfinished = out.with_suffix(".part")
    onnx.save(model, unfinished)
    os.replace(unfinished, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
