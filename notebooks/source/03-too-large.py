# %% [markdown] lang="en"
# # 3. Too large
#
# Large weights made the gradient of the one-unit chain vanish. In a wide network they make it explode. Both are true, and this notebook
# shows why. Then: what exploding does to learning.
# %% [markdown] lang="vi"
# # 3. Quá lớn
#
# Trọng số lớn làm gradient của chuỗi một nơ-ron tiêu biến. Trong mạng rộng, chúng làm gradient bùng nổ. Cả hai đều đúng, và notebook này
# cho thấy vì sao. Sau đó: bùng nổ thì việc học ra sao.
# %% name="2.3 chain and wide net"
import functools

import fastinit
import matplotlib.pyplot as plt
import numpy as np


def tanh_network(width, scale, seed=0):
    """Ten tanh layers, weights N(0, scale / width)."""
    init = functools.partial(
        fastinit.variance_scaling_, scale=scale, mode="fan_in", distribution="normal"
    )
    return fastinit.mlp(
        [width] * 11, "tanh", init=init, output="tanh", generator=seed, dtype=np.float64
    )


def gradients(width, scale, seed=0):
    """rms of dL/dz by layer."""
    x = fastinit.normal_(np.empty((128, width)), generator=1)
    return fastinit.probe(tanh_network(width, scale, seed), x, steps=0).stats("dz").rms


# what a single unit does is a matter of luck: take 51 chains
chain = np.median([gradients(1, 100, seed) for seed in range(51)], axis=0)
wide = gradients(100, 100)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.semilogy(range(1, 11), chain, "o-", label="one unit a layer (median of 51)")
ax.semilogy(range(1, 11), wide, "o-", label="100 units a layer")
ax.set(title="tanh, n Var w = 100", xlabel="layer", ylabel="rms of dL/dz")
ax.legend()
plt.show()
assert chain[0] < 1e-3 * chain[-1]  # vanishes on its way to the first layer
assert wide[0] > 1e3 * wide[-1]  # explodes on its way to the first layer
# %% [markdown] lang="en"
# In the chain everything must pass through one unit; if it is saturated, one factor near 0 ends it. In the wide network most units
# are saturated as well, four of five of them, but some sit by chance where tanh is steep, and those pass the gradient on, multiplied by large
# weights. In the mean square it grows in every layer by
#
# $$\chi = n \operatorname{Var} w \; \mathbb{E}\,\tanh'(z)^2 .$$
# %% [markdown] lang="vi"
# Trong chuỗi, mọi thứ phải đi qua một nơ-ron duy nhất; nếu nó bão hòa thì chỉ một thừa số gần 0 là hết. Trong mạng rộng, phần lớn nơ-ron
# cũng bão hòa, cứ năm thì có bốn, nhưng vài nơ-ron tình cờ nằm ở chỗ tanh dốc, và chúng truyền gradient đi sau khi nhân với những trọng
# số lớn. Tính theo trung bình bình phương, qua mỗi lớp gradient lớn lên
#
# $$\chi = n \operatorname{Var} w \; \mathbb{E}\,\tanh'(z)^2 \text{ lần.}$$
# %% name="2.3 growth by layer"
found = fastinit.probe(
    tanh_network(100, 100), fastinit.normal_(np.empty((128, 100)), generator=1), steps=0
)
print(f"saturated in layer 5: {found['layer5'].saturated:.0%}")
assert 0.75 < found["layer5"].saturated < 0.9

chi = fastinit.theory("tanh", 100.0, depth=10).chi[-1]
several = np.array([gradients(100, 100, seed) for seed in range(8)])
measured = np.mean((several[:, 1] / several[:, 8]) ** (2 / 7))
print(f"growth of the mean square in each layer: {measured:.2f}, by theory {chi:.2f}")
assert abs(measured / chi - 1) < 0.15
# %% [markdown] lang="en"
# ## A large learning rate
#
# Now real data: one network, one start, three learning rates. One is too slow, one is right, one jumps further past the minimum with every step.
# In the fourth picture the rate is the right one but the weights are three times too large: the loss begins absurdly high, and every
# step makes it worse (red: the loss jumped). Below each: the size of the gradients at the first step, layer by layer.
# %% [markdown] lang="vi"
# ## Tốc độ học lớn
#
# Giờ là dữ liệu thật: cùng một mạng, cùng điểm xuất phát, ba tốc độ học. Một quá chậm, một vừa phải, một mà mỗi bước lại nhảy quá điểm
# cực tiểu xa hơn. Ở hình thứ tư, tốc độ thì vừa phải nhưng trọng số lớn gấp ba lần: hàm mất mát bắt đầu cao một cách vô lý, và mỗi bước
# lại làm nó tệ hơn (đỏ: hàm mất mát nhảy vọt). Bên dưới mỗi hình: độ lớn của gradient ở bước đầu tiên, theo từng lớp.
# %% name="2.3 learning rate"
from sklearn.datasets import load_digits

digits = load_digits()
pixels = fastinit.describe(digits.data)
images = ((digits.data[:300] - pixels.mean) / pixels.std).astype(np.float32)
labels = digits.target[:300]


def descend(rate, gain=1.0, steps=60):
    """Gradient descent from He's weights times a gain: the loss at each step, rms of dL/dz at the first."""
    network = fastinit.mlp(
        [64] + [32] * 6 + [10], "relu", init=fastinit.kaiming_normal_, generator=0
    )
    for layer in network:
        layer.weight *= gain
    losses, sizes = [], None
    with np.errstate(all="ignore"):  # that numbers overflow is the point
        for _ in range(steps):
            zs, outputs = fastinit.forward(network, images)
            loss, grad = fastinit.cross_entropy(outputs[-1], labels)
            losses.append(loss)
            gradients = fastinit.backward(network, images, zs, outputs, grad)
            if sizes is None:
                sizes = fastinit.describe([dz for dz, _, _ in gradients]).rms
            for layer, (_, dw, db) in zip(network, gradients, strict=True):
                layer.weight -= rate * dw
                layer.bias -= rate * db
    return np.array(losses), sizes


def draw(axes, gain, rate, steps=60):
    losses, sizes = descend(rate, gain, steps)
    shown = np.nan_to_num(np.clip(losses, 1e-3, 1e6), nan=1e6)
    jumped = not losses.max() < 2 * losses[0]
    axes[0].semilogy(shown, color="C3" if jumped else "C0")
    axes[0].axhline(np.log(10), color="0.7", linewidth=0.8)  # what knowing nothing costs
    axes[0].set(title=f"gain {gain:.2g}, rate {rate:.2g}", xlabel="step", ylabel="loss")
    axes[0].set(xticks=[0, steps // 2, steps], ylim=(1e-3, 2e6), yticks=[1e-3, 1, 1e3, 1e6])
    axes[1].semilogy(range(1, 8), sizes, "o-")
    axes[1].set(xlabel="layer", ylabel="rms of dL/dz", ylim=(1e-5, 1e2), yticks=[1e-4, 1e-2, 1])
    for ax in axes:
        ax.minorticks_off()
        ax.yaxis.set_major_formatter("{x:g}")
    return losses, sizes


figure, axes = plt.subplots(2, 4, figsize=(13, 5), layout="constrained")
settings = ((1, 0.003), (1, 0.1), (1, 1.0), (3, 0.1))
found = [
    draw(column, gain, rate) for column, (gain, rate) in zip(axes.T, settings, strict=True)
]
plt.show()
(slow, small), (good, _), (wild, _), (large, steep) = found
assert good[-1] < 0.5 < slow[-1] < slow[0]  # both learn, one faster
assert np.nanmax(wild) > 1e6 and not wild[-1] < 2  # diverges
assert (
    large[0] > 100 * good[0] and np.nanmax(large) > 1e6 and not large[-1] < 2
)  # starts high, diverges
assert (steep[:-1] > steep[1:]).all() and steep[0] > 100 * small[
    0
]  # its gradients grow layer by layer
# %% [markdown] lang="en"
# Where do such losses come from? Look into a deeper network with large weights: the signal grows from layer to layer on its way
# forward, and the gradient from layer to layer on its way back.
# %% [markdown] lang="vi"
# Những giá trị mất mát ấy từ đâu ra? Hãy nhìn vào một mạng sâu hơn với trọng số lớn: tín hiệu lớn dần qua từng lớp khi lan truyền xuôi, và
# gradient lớn dần qua từng lớp khi lan truyền ngược.
# %% name="2.3 gradients of a large net"
init = functools.partial(fastinit.normal_, std=0.5)
found = fastinit.probe(
    fastinit.mlp([64] * 9 + [10], "relu", init=init, generator=0),
    images,
    labels,
)
print(found.verdict)
assert {"goes too far", "confident"} <= {finding.kind for finding in found.findings}
dz = found.stats("dz").rms
assert (dz[:-2] > dz[1:-1]).all()  # larger in every layer than in the next one
found.plot("grad")
plt.show()
# %% [markdown] lang="en"
# ## Try it
# %% [markdown] lang="vi"
# ## Hãy thử
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import FloatLogSlider, FloatSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(gain, rate):
        axes = plt.figure(figsize=(8, 2.8)).subplots(1, 2, gridspec_kw={"wspace": 0.3})
        draw(axes, gain, rate, steps=30)
        plt.show()

    interact(
        redraw,
        gain=FloatSlider(1.0, min=0.2, max=4.0, step=0.1),
        rate=FloatLogSlider(0.1, min=-3, max=1, step=0.25),
    )
# %% [markdown] lang="en"
# ## Exercise
#
# Find the largest stable learning rate for gain 1: with it the loss must be below 1 after 60 steps, and with one and a half times as much it
# must not. `descend(rate)[0][-1]` is yours to use.
# %% [markdown] lang="vi"
# ## Bài tập
#
# Tìm tốc độ học ổn định lớn nhất với gain 1: dùng nó thì sau 60 bước hàm mất mát phải dưới 1, còn dùng tốc độ gấp rưỡi thì không. Bạn có
# thể dùng `descend(rate)[0][-1]`.
# %% tags=["exercise"]
rate = ...
# %% tags=["solution"]
rate = 0.05
while descend(rate * 1.5)[0][-1] < 1:
    rate *= 1.1
# %% tags=["wrong"]
rate = 0.05
# %% tags=["wrong"]
rate = 5.0
# %% name="words" lang="en"
hints = {
    "start": "Hint: try descend(0.1)[0][-1], descend(0.2)[0][-1], ... and see where it stops working.",
    "large": "Hint: {:g} is too large; the loss ends at {:.3g}.",
    "small": "Hint: {:.3g} works as well; go on.",
    "right": "Right: {:.3g} learns, {:.3g} does not.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: thử descend(0.1)[0][-1], descend(0.2)[0][-1], ... và xem đến đâu thì không học được nữa.",
    "large": "Gợi ý: {:g} quá lớn; hàm mất mát dừng ở {:.3g}.",
    "small": "Gợi ý: {:.3g} cũng còn học được; hãy tăng tiếp.",
    "right": "Đúng: {:.3g} học được, {:.3g} thì không.",
}


# %% name="check"
def check(rate):
    """The hint that is needed, or None when the answer is right."""
    if rate is ... or rate <= 0:
        return hints["start"]
    if not descend(rate)[0][-1] < 1:
        return hints["large"].format(rate, descend(rate)[0][-1])
    return hints["small"].format(1.5 * rate) if descend(1.5 * rate)[0][-1] < 1 else None


hint = check(rate)
print(hint or hints["right"].format(rate, 1.5 * rate))
