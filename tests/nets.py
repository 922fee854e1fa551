"""Networks and inputs for the tests of the probe, of theory and of LSUV: sick ones, healthy ones, one in torch."""

import fastinit
import numpy as np
from fastinit import mlp

BATCH = 256


def inputs(n=128, batch=BATCH):
    return fastinit.normal_(np.empty((batch, n), np.float32), generator=1)


def scaled(scale):
    return lambda w, generator: fastinit.variance_scaling_(w, scale, "fan_in", "normal", generator=generator)


def net(activation, init, depth=10, width=128, **options):
    return mlp([128] + [width] * depth + [10], activation, init=init, generator=0, **options)


def kinds(result, least="bad"):
    serious = {"note": ("note", "bad", "severe"), "bad": ("bad", "severe")}[least]
    return {finding.kind for finding in result.findings if finding.severity in serious}


def make(torch, inplace=False, depth=4):
    layers = []
    for i in range(depth):
        linear = torch.nn.Linear(32, 32)
        fastinit.kaiming_normal_(linear.weight, generator=fastinit.Generator(i)), fastinit.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU(inplace=inplace)]
    head = torch.nn.Linear(32, 10)
    fastinit.lecun_normal_(head.weight, generator=9), fastinit.zeros_(head.bias)
    return torch.nn.Sequential(*layers, head)
