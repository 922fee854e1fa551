# %% [markdown] lang="en"
# # 7. He
#
# ReLU has no straight line through 0 and its outputs are never negative: both steps of Xavier's argument fail. He et al. (2015) found the
# one that works, and with it networks of 30 layers learn that did not move before.
# %% [markdown] lang="vi"
# # 7. He
#
# ReLU không có đường thẳng nào đi qua 0 và đầu ra của nó không bao giờ âm: cả hai bước trong lập luận của Xavier đều hỏng. He và cộng sự (2015)
# đã tìm ra lập luận đúng, và nhờ nó những mạng 30 lớp trước kia không nhúc nhích nay học được.
# %% [markdown] lang="en"
# ## Half of it
#
# $\mathbb{E}a \ne 0$, so the product rule must be used in full. With $\mathbb{E}w = 0$ it says
#
# $$\operatorname{Var}(a w) = \operatorname{Var} w \left(\operatorname{Var} a + (\mathbb{E}a)^2\right) = \operatorname{Var} w \; \mathbb{E}a^2 .$$
#
# $z$ is symmetric about 0 and ReLU cuts its negative half away, so of the integral of $z^2$ exactly half is left:
#
# $$\mathbb{E}a^2 = \int_0^\infty z^2 f(z)\,dz = \tfrac12 \int_{-\infty}^{\infty} z^2 f(z)\,dz = \tfrac12 \operatorname{Var} z .$$
#
# It is the mean square that is halved, not the variance: $\operatorname{Var} a = \left(\frac12 - \frac1{2\pi}\right)\operatorname{Var} z = 0.341 \operatorname{Var} z$ for a Gaussian $z$.
# %% [markdown] lang="vi"
# ## Còn một nửa
#
# $\mathbb{E}a \ne 0$ nên phải dùng đầy đủ quy tắc của tích. Với $\mathbb{E}w = 0$, nó cho
#
# $$\operatorname{Var}(a w) = \operatorname{Var} w \left(\operatorname{Var} a + (\mathbb{E}a)^2\right) = \operatorname{Var} w \; \mathbb{E}a^2 .$$
#
# $z$ đối xứng qua 0 và ReLU cắt bỏ nửa âm, nên tích phân của $z^2$ còn lại đúng một nửa:
#
# $$\mathbb{E}a^2 = \int_0^\infty z^2 f(z)\,dz = \tfrac12 \int_{-\infty}^{\infty} z^2 f(z)\,dz = \tfrac12 \operatorname{Var} z .$$
#
# Bị chia đôi là trung bình bình phương chứ không phải phương sai: $\operatorname{Var} a = \left(\frac12 - \frac1{2\pi}\right)\operatorname{Var} z = 0.341 \operatorname{Var} z$ với $z$ Gauss.
# %% name="He: half the variance"
import functools
import math

import fastinit
import matplotlib.pyplot as plt
import numpy as np

relu = fastinit.activations["relu"].f
z = fastinit.normal_(np.empty(1_000_000, np.float32), std=1.5, generator=1)
before, after = fastinit.describe(z), fastinit.describe(relu(z))
print(
    f"E a^2 / Var z = {after.rms**2 / before.var:.4f};  Var a / Var z = {after.var / before.var:.4f}"
)
assert abs(after.rms**2 / before.var - 0.5) < 0.003
assert f"{1 / 2 - 1 / (2 * math.pi):.3f}" == "0.341"
assert abs(after.var / before.var - 0.341) < 0.003
# %% [markdown] lang="en"
# ## Var w = 2/n
#
# So $\operatorname{Var} z^{[l]} = n \operatorname{Var} w \cdot \frac12 \operatorname{Var} z^{[l-1]}$, and the variance is kept by
#
# $$\operatorname{Var} w = \frac2n: \qquad w \sim U\!\left(-\sqrt{\tfrac6n}, \sqrt{\tfrac6n}\right) \quad\text{or}\quad w \sim \mathcal N\!\left(0, \tfrac2n\right).$$
#
# These are `kaiming_uniform_` and `kaiming_normal_` with `nonlinearity="relu"`, here and in torch.
# %% [markdown] lang="vi"
# ## Var w = 2/n
#
# Vậy $\operatorname{Var} z^{[l]} = n \operatorname{Var} w \cdot \frac12 \operatorname{Var} z^{[l-1]}$, và phương sai được giữ nguyên khi
#
# $$\operatorname{Var} w = \frac2n: \qquad w \sim U\!\left(-\sqrt{\tfrac6n}, \sqrt{\tfrac6n}\right) \quad\text{hoặc}\quad w \sim \mathcal N\!\left(0, \tfrac2n\right).$$
#
# Đó là `kaiming_uniform_` và `kaiming_normal_` với `nonlinearity="relu"`, ở đây cũng như trong torch.
# %% name="He, ReLU"
n = 400
weight = np.empty((300, n))  # (out, in)
uniform = fastinit.describe(fastinit.kaiming_uniform_(weight, nonlinearity="relu", generator=0))
normal = fastinit.describe(fastinit.kaiming_normal_(weight, nonlinearity="relu", generator=0))
print(
    f"uniform: from {uniform.min:.4f} to {uniform.max:.4f}, "
    f"sqrt(6/n) = {math.sqrt(6 / n):.4f}; n Var w = {n * uniform.var:.3f}"
)
print(f"normal:  n Var w = {n * normal.var:.3f}")
assert 0.999 < uniform.max / math.sqrt(6 / n) <= 1
assert -1 <= uniform.min / math.sqrt(6 / n) < -0.999
assert abs(n * uniform.var - 2) < 0.03 and abs(n * normal.var - 2) < 0.03

inputs = fastinit.normal_(np.empty((256, 256), np.float32), generator=1)


def scaled(scale):
    """An initialiser with n Var w = scale."""
    return functools.partial(
        fastinit.variance_scaling_, scale=scale, mode="fan_in", distribution="normal"
    )


for label, scale in (("1/n", 1), ("2/n", 2)):
    network = fastinit.mlp([256] * 31, "relu", init=scaled(scale), generator=0)
    variance = fastinit.probe(network, inputs, steps=0).stats("z").rms ** 2
    per_layer = (variance[-2] / variance[0]) ** (1 / 28)
    print(
        f"Var w = {label}: Var z {variance[0]:.2g} -> {variance[-2]:.2g} in 29 layers, "
        f"x {per_layer:.2f} a layer"
    )
    assert abs(per_layer - scale / 2) < 0.06
# %% [markdown] lang="en"
# ## 22 and 30 layers
#
# The experiment of He et al., on our small digits and with layers of 64 units: with Xavier's $1/n$ a ReLU net of 22 layers learns late, and one of 30
# layers has hardly moved after 400 steps. With $2/n$ both learn. The learning rate of each rule is the best of those tried (0.003, 0.005, 0.01, 0.02, 0.03 and 0.05).
# %% [markdown] lang="vi"
# ## 22 và 30 lớp
#
# Thí nghiệm của He và cộng sự, trên bộ chữ số nhỏ của ta với các lớp 64 nơ-ron: với $1/n$ của Xavier, mạng ReLU 22 lớp học muộn, mạng 30 lớp
# sau 400 bước hầu như chưa nhúc nhích. Với $2/n$ thì cả hai đều học. Tốc độ học của mỗi quy tắc là tốt nhất trong các tốc độ đã thử (0.003; 0.005; 0.01; 0.02; 0.03 và 0.05).
# %% name="He: 22 and 30 layers"
from sklearn.datasets import load_digits

digits = load_digits()
pixels = fastinit.describe(digits.data)
images = ((digits.data[:1000] - pixels.mean) / pixels.std).astype(np.float32)
labels = digits.target[:1000]


def train(depth, scale, rate, steps=400, batch=100):
    """Losses of gradient descent with momentum 0.9."""
    network = fastinit.mlp([64] * depth + [10], "relu", init=scaled(scale), generator=0)
    velocity = [(np.zeros_like(layer.weight), np.zeros_like(layer.bias)) for layer in network]
    losses = []
    for step in range(steps):
        rows = np.arange(step * batch, (step + 1) * batch) % len(images)
        zs, outputs = fastinit.forward(network, images[rows])
        loss, grad = fastinit.cross_entropy(outputs[-1], labels[rows])
        losses.append(loss)
        gradients = fastinit.backward(network, images[rows], zs, outputs, grad)
        for layer, (v, u), (_, dw, db) in zip(network, velocity, gradients, strict=True):
            v *= 0.9
            v -= rate * dw
            layer.weight += v
            u *= 0.9
            u -= rate * db
            layer.bias += u
    return np.array(losses)


figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True)
final = {}
for ax, depth in zip(axes, (22, 30), strict=True):
    for label, scale, rate in (("Xavier, 1/n", 1, 0.03), ("He, 2/n", 2, 0.003)):
        losses = train(depth, scale, rate)
        ax.plot(np.convolve(losses, np.full(10, 0.1), "valid"), label=label)
        final[depth, scale] = np.mean(losses[-20:])
    ax.set(title=f"{depth} layers", xlabel="step", ylabel="loss", ylim=(0, 2.6))
    ax.legend()
plt.show()
for (depth, scale), loss in final.items():
    print(f"{depth} layers, {scale}/n: loss {loss:.2f}")
assert final[22, 2] < 0.3 and final[30, 2] < 0.5  # He: both learn
assert final[22, 2] < final[22, 1] < 1.5  # Xavier, 22 layers: late
# Xavier, 30 layers: not far from ln 10 = 2.3, which is what knowing nothing costs
assert final[30, 1] > 1.7
# %% [markdown] lang="en"
# ## Dead units
#
# A ReLU that is off for every input learns nothing. Even with the right weights there are more of them the deeper one goes: inputs become
# more and more alike from layer to layer, and a unit is on for all of them or for none. So the number by itself says little; it must be seen beside what
# chance expects of inputs as alike as these. `probe` prints both, and names dead units only as the cause of something worse, where they exceed
# what chance expects.
# %% [markdown] lang="vi"
# ## Nơ-ron chết
#
# Một ReLU tắt với mọi đầu vào thì không học được gì. Ngay cả với trọng số đúng, càng sâu càng có nhiều nơ-ron như vậy: qua từng lớp, các đầu vào ngày càng
# giống nhau, và một nơ-ron hoặc bật với tất cả, hoặc tắt với tất cả. Vì thế riêng con số ấy chưa nói lên nhiều; phải đặt nó cạnh điều mà xác suất dự đoán
# cho những đầu vào giống nhau đến mức ấy. `probe` in cả hai, và chỉ nêu nơ-ron chết như nguyên nhân của một lỗi khi chúng nhiều hơn mức dự đoán.
# %% name="He: dead units"
found = fastinit.probe(
    fastinit.mlp([256] * 32, "relu", init=fastinit.kaiming_normal_, generator=0),
    inputs,
    steps=0,
)
for layer in (found[f"layer{i}"] for i in (5, 10, 20, 30)):
    print(f"{layer.name}: {layer.dead:.0%} dead, expected {layer.dead_expected:.0%}")
    assert abs(layer.dead - layer.dead_expected) < 0.08
assert found["layer30"].dead > 3 * found["layer5"].dead and found.ok

broken = fastinit.mlp([256] * 5, "relu", init=fastinit.kaiming_normal_, generator=0)
fastinit.constant_(broken[1].bias, -50.0)  # a bias that nothing can overcome
finding = fastinit.probe(broken, inputs, steps=0).findings[0]
print(finding)
assert finding.kind == "tells nothing apart" and "layer2 are off" in finding.cause
# %% [markdown] lang="en"
# ## Try it
#
# $n \operatorname{Var} w$ below, at and above He's 2. Blue: size of z beside theory (dashed). Red: dead units, measured (dots) and expected (dashed).
# Scaling all weights moves the blue line only: whether a ReLU is on does not depend on the size of z.
# %% [markdown] lang="vi"
# ## Hãy thử
#
# $n \operatorname{Var} w$ dưới, bằng và trên số 2 của He. Xanh: độ lớn của z cạnh lý thuyết (đứt nét). Đỏ: nơ-ron chết, đo được (chấm) và dự đoán (đứt nét).
# Nhân mọi trọng số với một số chỉ làm đường xanh thay đổi: ReLU bật hay tắt không phụ thuộc độ lớn của z.
# %% name="figure"
few_inputs = fastinit.normal_(np.empty((64, 100), np.float32), generator=1)


def draw(ax, scale, depth=20):
    found = fastinit.probe(
        fastinit.mlp(
            [100] * (depth + 1), "relu", output="relu", init=scaled(scale), generator=0
        ),
        few_inputs,
        steps=0,
    )
    layers, theory = range(1, depth + 1), fastinit.theory("relu", scale, depth=depth)
    ax.semilogy(layers, found.stats("z").rms, "o", color="C0")
    ax.semilogy(layers, np.sqrt(theory.q), "--", color="C0")
    ax.set(
        title=f"n Var w = {scale:.2g}",
        xlabel="layer",
        ylabel="rms of z",
        ylim=(1e-5, 1e5),
        yticks=[1e-4, 1, 1e4],
    )
    ax.set_xticks(range(1, depth + 1, 1 + depth // 6))
    ax.minorticks_off()
    ax.yaxis.set_major_formatter("{x:g}")
    right = ax.twinx()
    right.plot(layers, [layer.dead for layer in found.layers], ".", color="C3")
    right.plot(
        layers, [layer.dead_expected for layer in found.layers], "--", color="C3", linewidth=1
    )
    right.set(ylim=(0, 1), yticks=[0, 0.5, 1], ylabel="dead units")
    return found


figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
found = [draw(ax, scale) for ax, scale in zip(axes, (1.0, 2.0, 3.0), strict=True)]
plt.show()
dead = [[layer.dead for layer in one.layers] for one in found]
assert np.ptp(dead, axis=0).max() < 0.02  # they do not depend on the scale
assert found[0].stats("z").rms[-1] < 0.01
assert 0.1 < found[1].stats("z").rms[-1] < 10
assert found[2].stats("z").rms[-1] > 20
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import FloatSlider, IntSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(scale, depth):
        draw(plt.figure(figsize=(5, 3)).add_subplot(), scale, depth)
        plt.show()

    interact(
        redraw,
        scale=FloatSlider(2.0, min=0.5, max=5, step=0.1),
        depth=IntSlider(20, min=2, max=40),
    )
# %% [markdown] lang="en"
# ## Exercise
#
# A leaky ReLU passes negative $z$ on, multiplied by a slope $s$, so $\mathbb{E}a^2 = \frac{1 + s^2}{2} \operatorname{Var} z$. Which gain, the factor of
# $\frac{1}{\sqrt n}$ in the standard deviation of the weights, does a slope of 0.5 need?
# %% [markdown] lang="vi"
# ## Bài tập
#
# Leaky ReLU truyền tiếp $z$ âm sau khi nhân với độ dốc $s$, nên $\mathbb{E}a^2 = \frac{1 + s^2}{2} \operatorname{Var} z$. Độ dốc 0.5 cần hệ số (gain) nào, tức
# thừa số của $\frac{1}{\sqrt n}$ trong độ lệch chuẩn của trọng số?
# %% tags=["exercise"]
gain = ...
# %% tags=["solution"]
gain = math.sqrt(2 / (1 + 0.5**2))
# %% tags=["wrong"]
gain = math.sqrt(2)
# %% tags=["wrong"]
gain = 2 / (1 + 0.5**2)
# %% name="words" lang="en"
hints = {
    "start": "Hint: gain^2 (1 + s^2) / 2 = 1.",
    "off": "Hint: with it each layer multiplies the mean square by {:.3f}; it should be 1.",
    "right": "Right: {:.4f}, as calculate_gain says; each layer multiplies the mean square by {:.3f}.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: gain^2 (1 + s^2) / 2 = 1.",
    "off": "Gợi ý: với nó, mỗi lớp nhân trung bình bình phương với {:.3f}; số này phải là 1.",
    "right": "Đúng: {:.4f}, như calculate_gain cho biết; mỗi lớp nhân trung bình bình phương với {:.3f}.",
}


# %% name="check"
def factor(gain):
    """Measured: what one layer of leaky ReLUs of slope 0.5 does to the mean square of z."""
    z = fastinit.normal_(np.empty((2000, 500), np.float32), generator=2)
    w = fastinit.normal_(
        np.empty((500, 500), np.float32), std=gain / math.sqrt(500), generator=3
    )
    after = fastinit.describe(np.where(z > 0, z, 0.5 * z) @ w.T)
    return (after.rms / fastinit.describe(z).rms) ** 2


def check(gain):
    """The hint that is needed, or None when the answer is right."""
    if gain is ...:
        return hints["start"]
    if abs(gain - fastinit.calculate_gain("leaky_relu", 0.5)) < 1e-3:
        return None
    return hints["off"].format(factor(gain))


hint = check(gain)
print(hint or hints["right"].format(gain, factor(gain)))
