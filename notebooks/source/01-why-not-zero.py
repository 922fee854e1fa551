# %% [markdown] lang="en"
# # 1. Why not zero?
#
# A network begins as a box of numbers that somebody has to choose. This lesson is about that choice, and the first picture holds
# all of it: one network of 30 layers, its weights drawn in three sizes, before it has learnt anything. On the left the size of the
# signals on their way forward, on the right that of the gradients on their way back. (Words: [glossary](glossary.md).)
# %% [markdown] lang="vi"
# # 1. Vì sao không khởi tạo bằng 0?
#
# Lúc đầu, một mạng nơ-ron chỉ là một hộp số mà ai đó phải chọn. Bài học này nói về sự lựa chọn ấy, và hình đầu tiên đã chứa tất cả:
# cùng một mạng 30 lớp, trọng số được lấy ngẫu nhiên với ba độ lớn khác nhau, khi mạng chưa học gì. Bên trái là độ lớn của tín hiệu
# khi lan truyền xuôi, bên phải là độ lớn của gradient khi lan truyền ngược. (Từ ngữ và nhãn trong hình: [bảng thuật ngữ](glossary.md).)
# %% name="the whole idea"
from functools import partial

import fastinit
import matplotlib.pyplot as plt
import numpy as np

x = fastinit.normal_(np.empty((256, 128), np.float32), generator=1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for std in (0.03, 0.125, 0.5):  # 0.125 is the square root of 2 / 128
    net = fastinit.mlp([128] * 31, "relu", init=partial(fastinit.normal_, std=std), generator=0)
    found = fastinit.probe(net, x, steps=0)
    left.semilogy(range(1, 31), found.stats("z").rms, ".-", label=f"std {std}: {found.verdict}")
    right.semilogy(range(1, 31), found.stats("dz").rms, ".-")
left.set(title="signals", xlabel="layer", ylabel="rms of z"), left.legend(fontsize=8)
right.set(title="gradients", xlabel="layer", ylabel="rms of dL/dz")
plt.show()
# %% [markdown] lang="en"
# Too small, and after 30 layers nothing is left of the input. Too large, and the numbers explode. One size keeps both lines level:
# $\operatorname{Var} w = 2/n$ for $n$ inputs and ReLU. By the end of the lesson you will have derived it.
#
# Why random at all, though? Why not simply 0, or some other number?
#
# ## All equal: units that can never part
#
# Take real data (8 x 8 images of digits) and a hidden layer of eight tanh units whose weights are all 0.1. Train it for 100 steps and
# look whether the units become different from one another.
# %% [markdown] lang="vi"
# Quá nhỏ thì sau 30 lớp không còn lại gì của đầu vào. Quá lớn thì các con số bùng nổ. Chỉ một độ lớn giữ cho cả hai đường nằm ngang:
# $\operatorname{Var} w = 2/n$ với $n$ đầu vào và hàm ReLU. Đến cuối bài học, bạn sẽ tự dẫn ra được công thức ấy.
#
# Nhưng vì sao phải ngẫu nhiên? Sao không lấy luôn số 0, hay một con số nào khác?
#
# ## Tất cả bằng nhau: những nơ-ron không bao giờ tách ra
#
# Lấy dữ liệu thật (ảnh chữ số 8 x 8) và một lớp ẩn gồm tám nơ-ron tanh có mọi trọng số bằng 0.1. Ta huấn luyện 100 bước rồi xem các
# nơ-ron có trở nên khác nhau không.
# %% name="1 motivation: all equal"
from sklearn.datasets import load_digits

digits = load_digits()
images = (digits.data[:500] / 16).astype(np.float32)
labels = digits.target[:500]


def train(network, steps=100, rate=0.1):
    """Gradient descent. Returns one weight of every hidden unit at each step, and the last loss."""
    path = []
    for _ in range(steps):
        path.append(network[0].weight[:, 20].copy())
        zs, outputs = fastinit.forward(network, images)
        loss, grad = fastinit.cross_entropy(outputs[-1], labels)
        for layer, (_, dw, db) in zip(
            network, fastinit.backward(network, images, zs, outputs, grad), strict=True
        ):
            layer.weight -= rate * dw
            layer.bias -= rate * db
    return np.array(path), loss


def constant_network(value, activation="tanh"):
    """64 pixels, 8 hidden units, 10 digits; every weight is the same number."""
    return fastinit.mlp([64, 8, 10], activation, init=lambda w: fastinit.constant_(w, value))


equal = constant_network(0.1)
before = equal[0].weight.copy()
path, loss = train(equal)
assert (equal[0].weight != before).any()  # they moved ...
# ... and every unit is still the same as the first, bit for bit
assert all((row == equal[0].weight[0]).all() for row in equal[0].weight)

# Glorot's own form of Xavier: Var w = 2 / (inputs + outputs), as torch has it
random = fastinit.mlp([64, 8, 10], "tanh", init=fastinit.xavier_normal_, generator=0)
_, random_loss = train(random)
print(f"loss after 100 steps: all equal {loss:.3f}, random {random_loss:.3f}")
assert random_loss < loss
print(fastinit.probe(constant_network(0.1), images, labels).findings[0])
# %% [markdown] lang="en"
# Eight units, worth one. Equal weights give equal outputs, equal outputs receive equal gradients, and an equal step keeps equal weights
# equal. No optimiser that treats each weight by itself can undo that.
#
# ## All zero: no weight moves, ever
#
# With 0 it is worse. The gradient of the hidden weights has the output weights as a factor, and they are 0. The gradient of the output
# weights has the hidden outputs as a factor, and tanh(0) = 0.
# %% [markdown] lang="vi"
# Tám nơ-ron mà giá trị chỉ bằng một. Trọng số bằng nhau cho đầu ra bằng nhau, đầu ra bằng nhau nhận gradient bằng nhau, và bước đi bằng
# nhau giữ trọng số bằng nhau. Không thuật toán tối ưu nào xử lý riêng từng trọng số có thể gỡ được điều đó.
#
# ## Tất cả bằng 0: không trọng số nào thay đổi
#
# Với số 0 còn tệ hơn. Gradient của trọng số lớp ẩn có thừa số là trọng số lớp ra, mà chúng bằng 0. Gradient của trọng số lớp ra có
# thừa số là đầu ra lớp ẩn, mà tanh(0) = 0.
# %% name="1 motivation: all zero"
zero = constant_network(0.0)
zs, outputs = fastinit.forward(zero, images)
loss, grad = fastinit.cross_entropy(outputs[-1], labels)
(hidden_dz, hidden_dw, _), (_, output_dw, _) = fastinit.backward(
    zero, images, zs, outputs, grad
)
assert (hidden_dw == 0).all() and (output_dw == 0).all()
assert np.isclose(loss, np.log(10))  # ten digits, and it knows nothing
print(f"every dL/dW is exactly 0; loss = {loss:.4f} = ln 10")
# %% [markdown] lang="en"
# ## Negative constants and ReLU: dead from the start
#
# Pixels are never negative. With negative weights z is never positive, ReLU turns every image into 0, and where a unit is 0 its gradient
# is 0. (With sigmoid or tanh the sign would not matter; there the fault is the symmetry alone.)
# %% [markdown] lang="vi"
# ## Hằng số âm và ReLU: chết ngay từ đầu
#
# Điểm ảnh không bao giờ âm. Với trọng số âm, z không bao giờ dương, ReLU biến mọi ảnh thành 0, và nơ-ron bằng 0 ở đâu thì gradient của
# nó bằng 0 ở đó. (Với sigmoid hay tanh thì dấu không quan trọng; ở đó lỗi chỉ nằm ở sự đối xứng.)
# %% name="1 motivation: negative constants"
negative = constant_network(-0.1, "relu")
found = fastinit.probe(negative, images, labels)
assert found["layer1"].dead == 1.0
start = negative[0].weight.copy()
train(negative)
assert (negative[0].weight == start).all()  # after 100 steps not one weight has moved
print(found.verdict)


# %% [markdown] lang="en"
# ## Try it
#
# Each line is one weight of one hidden unit while it learns. Eight lines are drawn in every picture; in the first three you see only
# one, because they lie on top of each other. In the fourth, noise was added to the constant: each weight is drawn from
# $U(\text{constant} - \text{noise}, \text{constant} + \text{noise})$. Then move both yourself: how little noise is enough?
# %% [markdown] lang="vi"
# ## Hãy thử
#
# Mỗi đường là một trọng số của một nơ-ron ẩn trong lúc học. Hình nào cũng vẽ tám đường; trong ba hình đầu bạn chỉ thấy một, vì chúng
# nằm chồng lên nhau. Trong hình thứ tư, hằng số được cộng thêm nhiễu (noise): mỗi trọng số được lấy từ
# $U(\text{constant} - \text{noise}, \text{constant} + \text{noise})$. Sau đó hãy tự kéo cả hai: cần ít nhất bao nhiêu nhiễu?
# %% name="figure"
def draw(ax, constant, noise, steps=100):
    around = partial(fastinit.uniform_, a=constant - noise, b=constant + noise)
    path, loss = train(fastinit.mlp([64, 8, 10], "tanh", init=around, generator=0), steps)
    ax.plot(path)
    different = len(np.unique(path[-1]))
    ax.set(title=f"{constant:.2g} ± {noise:.2g}: {different} different, loss {loss:.2f}")
    ax.set(xlabel="step", ylabel="one weight of each unit", ylim=(-1, 1), yticks=[-1, 0, 1])
    return different, loss


figure, axes = plt.subplots(1, 4, figsize=(13, 3), layout="constrained", sharey=True)
settings = ((0.0, 0.0), (0.1, 0.0), (0.5, 0.0), (0.1, 0.3))
found = [
    draw(ax, constant, noise) for ax, (constant, noise) in zip(axes, settings, strict=True)
]
plt.show()
assert [different for different, _ in found] == [1, 1, 1, 8]
assert found[3][1] < 2.0 < min(loss for _, loss in found[:3])
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import FloatSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(constant, noise):
        draw(plt.figure(figsize=(5, 3)).add_subplot(), constant, noise, steps=40)
        plt.show()

    interact(
        redraw,
        constant=FloatSlider(0.1, min=-0.5, max=0.5, step=0.05),
        noise=FloatSlider(0.0, min=0, max=0.5, step=0.01),
    )
# %% [markdown] lang="en"
# ## Exercise
#
# Change **one** weight of the hidden layer so that one unit goes its own way. Give the unit (0 to 7), the pixel (0 to 63) and the new
# value, then run the cells below.
# %% [markdown] lang="vi"
# ## Bài tập
#
# Hãy thay đổi **một** trọng số của lớp ẩn để một nơ-ron đi con đường riêng. Cho biết nơ-ron (0 đến 7), điểm ảnh (0 đến 63) và giá trị
# mới, rồi chạy các ô bên dưới.
# %% tags=["exercise"]
change = ...  # (unit, pixel, value)
# %% tags=["solution"]
change = (3, 20, 0.7)
# %% tags=["wrong"]
change = (3, 0, 0.7)
# %% tags=["wrong"]
change = (3, 20, 0.1)
# %% name="words" lang="en"
hints = {
    "start": "Hint: give three numbers, such as (2, 30, 0.5). Which pixels are not 0 in at least one image?",
    "black": "Hint: that pixel is 0 in every image, so its weight is never used. images.any(axis=0) shows the others.",
    "equal": "Hint: is the value different from the 0.1 of all the others?",
    "right": "Right: unit {} is free; the other seven are still copies of each other. Random weights free all of them at once.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: cho ba số, ví dụ (2, 30, 0.5). Điểm ảnh nào khác 0 trong ít nhất một ảnh?",
    "black": "Gợi ý: điểm ảnh đó bằng 0 trong mọi ảnh nên trọng số của nó không bao giờ được dùng. Xem images.any(axis=0).",
    "equal": "Gợi ý: giá trị có khác 0.1 của các trọng số còn lại không?",
    "right": "Đúng: nơ-ron {} đã tự do; bảy nơ-ron kia vẫn là bản sao của nhau. Trọng số ngẫu nhiên giải phóng tất cả cùng lúc.",
}


# %% name="check"
def check(change):
    """The hint that is needed, or None when the answer is right."""
    if change is ...:
        return hints["start"]
    unit, pixel, value = change
    if not (0 <= unit < 8 and 0 <= pixel < 64):
        return hints["start"]
    if not images[:, pixel].any():
        return hints["black"]
    network = constant_network(0.1)
    network[0].weight[unit, pixel] = value
    train(network)
    outputs = fastinit.forward(network, images)[1][0]
    copies = [sum((outputs[:, i] == outputs[:, j]).all() for j in range(8)) for i in range(8)]
    return None if copies[unit] == 1 else hints["equal"]


hint = check(change)
print(hint or hints["right"].format(change[0]))
