# %% [markdown] lang="en"
# # 5. Near zero
#
# Sums of random numbers are easy; sums that go through a curve are not. The way out: near 0 every curve with a slope is nearly a straight line.
# This notebook shows for tanh and sigmoid how near is near enough, and what happens to the variance when it is not.
# %% [markdown] lang="vi"
# # 5. Gần số 0
#
# Tổng của các số ngẫu nhiên thì dễ; tổng ấy đi qua một đường cong thì không. Lối thoát: gần số 0, mọi đường cong có độ dốc đều gần như là đường thẳng.
# Notebook này cho thấy với tanh và sigmoid thì gần bao nhiêu là đủ, và khi không đủ gần thì phương sai ra sao.
# %% [markdown] lang="en"
# ## The Maclaurin series
#
# Taylor's series at 0. It replaces a function by a polynomial that agrees with it at 0 in value, slope, curvature, and so on:
#
# $$f(x) = \sum_{k=0}^{\infty} \frac{f^{(k)}(0)}{k!}\,x^k, \qquad
# \tanh x = x - \frac{x^3}{3} + \frac{2x^5}{15} - \cdots, \qquad
# \sigma(x) = \frac12 + \frac x4 - \frac{x^3}{48} + \cdots$$
#
# Break it off after the linear term, and for small $x$: $\tanh x \approx x$ and $\sigma(x) \approx \frac12 + \frac x4$. The signs alternate and the
# terms shrink, so the error is never larger than the first term left out: $|x|^3/3$ and $|x|^3/48$.
# %% [markdown] lang="vi"
# ## Chuỗi Maclaurin
#
# Là chuỗi Taylor tại 0. Nó thay một hàm bằng đa thức trùng với hàm ấy tại 0 về giá trị, độ dốc, độ cong, v.v.:
#
# $$f(x) = \sum_{k=0}^{\infty} \frac{f^{(k)}(0)}{k!}\,x^k, \qquad
# \tanh x = x - \frac{x^3}{3} + \frac{2x^5}{15} - \cdots, \qquad
# \sigma(x) = \frac12 + \frac x4 - \frac{x^3}{48} + \cdots$$
#
# Ngắt sau số hạng bậc nhất, với $x$ nhỏ: $\tanh x \approx x$ và $\sigma(x) \approx \frac12 + \frac x4$. Chuỗi đan dấu và các số hạng nhỏ dần, nên sai
# số không bao giờ lớn hơn số hạng đầu tiên bị bỏ: $|x|^3/3$ và $|x|^3/48$.
# %% name="3.3 Maclaurin and its error"
import fastinit
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(-0.5, 0.5, 1001)
lines = {"tanh": x, "sigmoid": 1 / 2 + x / 4}
bounds = {"tanh": np.abs(x) ** 3 / 3, "sigmoid": np.abs(x) ** 3 / 48}

figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for (above, below), (name, line) in zip(axes.T, lines.items(), strict=True):
    value = fastinit.activations[name].f(x)
    error = np.abs(value - line)
    above.plot(x, value, label=f"{name} x")
    above.plot(x, line, "--", label={"tanh": "x", "sigmoid": "1/2 + x/4"}[name])
    below.plot(x, error, label="error")
    below.plot(x, bounds[name], ":", label={"tanh": "|x|³ / 3", "sigmoid": "|x|³ / 48"}[name])
    above.legend(), below.legend(), below.set(xlabel="x")
    assert (error <= bounds[name] + 1e-16).all()
    print(
        f"{name} at 0.5: error {error[-1]:.5f}, bound {bounds[name][-1]:.5f}, "
        f"relative {error[-1] / value[-1]:.2%}"
    )
    # the slope of the line is the activation's own at 0, and fastinit keeps its inverse as a gain
    activation = fastinit.activations[name]
    assert activation.maclaurin == 1 / activation.derivative(np.zeros(1))[0]
plt.show()
assert f"{0.5 - fastinit.tanh(0.5):.5f}" == "0.03788"
assert f"{0.625 - fastinit.sigmoid(0.5):.5f}" == "0.00254"
# %% [markdown] lang="en"
# Each derivative at 0 is one more degree. The series of tanh converges for $|x| < \pi/2$ only, sigmoid's for $|x| < \pi$; beyond, more terms make it
# worse. Here the polynomials of tanh of degree 1 to 7 and where each gives way.
# %% [markdown] lang="vi"
# Thêm một đạo hàm tại 0 là thêm một bậc. Chuỗi của tanh chỉ hội tụ khi $|x| < \pi/2$, của sigmoid khi $|x| < \pi$; ngoài khoảng đó, thêm số hạng
# chỉ làm tệ hơn. Dưới đây là các đa thức bậc 1 đến 7 của tanh và nơi mỗi đa thức
# không còn đúng nữa.
# %% name="3.3 more terms"
coefficients = {1: 1.0, 3: -1 / 3, 5: 2 / 15, 7: -17 / 315}
z = np.linspace(-2, 2, 401)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(z, fastinit.tanh(z), "k", label="tanh")
total, errors = np.zeros_like(z), []
for degree, coefficient in coefficients.items():
    total = total + coefficient * z**degree
    ax.plot(z, total, linewidth=0.9, label=f"degree {degree}")
    errors.append(np.abs(total - fastinit.tanh(z))[np.abs(z) <= 0.5].max())
ax.set(ylim=(-1.5, 1.5), xlabel="x")
ax.legend()
plt.show()
print("largest error on [-0.5, 0.5]:", *(f"{e:.1e}" for e in errors))
assert all(after < before / 4 for before, after in zip(errors[:-1], errors[1:], strict=True))


# %% [markdown] lang="en"
# ## What it means for the variance
#
# If $\tanh z \approx z$ then $\operatorname{Var}\tanh z \approx \operatorname{Var} z$: the layer passes its variance on. That is the step from which Xavier's rule
# follows. It is good for a standard deviation of 0.1, passable at 0.3 and bad at 1, where tanh keeps only 39% of the variance.
# For sigmoid, $\operatorname{Var}\sigma(z) \approx \frac{1}{16}\operatorname{Var} z$, and that holds further out: its line is the better one.
# %% [markdown] lang="vi"
# ## Với phương sai, điều đó nghĩa là gì
#
# Nếu $\tanh z \approx z$ thì $\operatorname{Var}\tanh z \approx \operatorname{Var} z$: lớp truyền nguyên phương sai. Đó là bước mà từ đó suy ra quy tắc Xavier. Nó
# tốt với độ lệch chuẩn 0.1, tạm được ở 0.3 và tệ ở 1, nơi tanh chỉ giữ lại 39% phương sai. Với sigmoid,
# $\operatorname{Var}\sigma(z) \approx \frac{1}{16}\operatorname{Var} z$, và điều này còn đúng ở xa hơn: đường thẳng của nó tốt hơn.
# %% name="3.3 variance through the curve"
def kept(name, std):
    """Var f(z) / (f'(0)^2 Var z) for z ~ N(0, std^2): 1 if the straight line were the whole truth."""
    z = fastinit.normal_(np.empty(200_000, np.float32), std=std, generator=1)
    activation = fastinit.activations[name]
    ratio = fastinit.describe(activation.f(z)).var / fastinit.describe(z).var
    return ratio * activation.maclaurin**2


for std in (0.1, 0.3, 1.0, 3.0):
    print(
        f"std of z {std}: tanh keeps {kept('tanh', std):.1%} of what the line says, "
        f"sigmoid {kept('sigmoid', std):.1%}"
    )
assert (
    kept("tanh", 0.1) > 0.97 and kept("tanh", 0.3) > 0.8 and f"{kept('tanh', 1.0):.0%}" == "39%"
)
assert all(kept("sigmoid", std) > kept("tanh", std) for std in (0.1, 0.3, 1.0, 3.0))

# tanh and sigmoid are one curve, shifted and stretched: tanh x = -1 + 2 sigmoid(2 x)
wide = np.linspace(-20, 20, 4001)
assert np.allclose(fastinit.tanh(wide), -1 + 2 * fastinit.sigmoid(2 * wide), rtol=0, atol=1e-15)


# %% [markdown] lang="en"
# ## Try it
#
# The curve, its line, and a histogram of z: what matters is how much of the histogram lies where the two agree.
# %% [markdown] lang="vi"
# ## Hãy thử
#
# Đường cong, đường thẳng của nó, và biểu đồ tần suất của z: điều quan trọng là bao nhiêu phần của biểu đồ nằm ở nơi hai đường trùng nhau.
# %% name="figure"
def draw(ax, name, interval):
    x = np.linspace(-interval, interval, 401)
    activation = fastinit.activations[name]
    line = activation.f(np.zeros(1))[0] + x / activation.maclaurin
    value = activation.f(x)
    z = fastinit.normal_(np.empty(20_000, np.float32), std=interval / 2, generator=1)
    counts, edges = np.histogram(z, 60, (-interval, interval))
    ax.stairs(counts / counts.max() * value.max(), edges, fill=True, color="0.9")
    ax.plot(x, value)
    ax.plot(x, line, "--")
    ax.set(
        title=f"{name}: error at {interval:.2g} is {abs(line - value)[-1] / value[-1]:.1%}",
        xlabel="z",
    )
    return abs(line - value)[-1] / value[-1]


figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
found = [draw(ax, "tanh", interval) for ax, interval in zip(axes, (0.2, 0.5, 2.0), strict=True)]
plt.show()
assert found[0] < 0.02 and 0.08 < found[1] < 0.09 and found[2] > 1
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import Dropdown, FloatSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(name, interval):
        draw(plt.figure(figsize=(5, 3)).add_subplot(), name, interval)
        plt.show()

    interact(
        redraw,
        name=Dropdown(options=["tanh", "sigmoid"]),
        interval=FloatSlider(0.5, min=0.1, max=4, step=0.1),
    )
# %% [markdown] lang="en"
# ## Exercise
#
# At which $x > 0$ does the error of $\tanh x \approx x$ pass 1% of tanh x? Three digits will do.
# %% [markdown] lang="vi"
# ## Bài tập
#
# Tại $x > 0$ nào thì sai số của $\tanh x \approx x$ vượt 1% của tanh x? Ba chữ số là đủ.
# %% tags=["exercise"]
x = ...
# %% tags=["solution"]
x = 0.1
while (x - fastinit.tanh(x)) / fastinit.tanh(x) < 0.01:
    x += 1e-4
# %% tags=["wrong"]
x = 0.01 ** (1 / 3)
# %% tags=["wrong"]
x = 0.1
# %% name="words" lang="en"
hints = {
    "start": "Hint: the relative error is about x^2 / 3. Then refine with fastinit.tanh.",
    "small": "Hint: there the error is only {:.2%}; go further out.",
    "large": "Hint: there the error is already {:.2%}; come closer to 0.",
    "right": "Right: at {:.3f} the error is {:.2%}. For sigmoid it takes {:.2f}.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: sai số tương đối khoảng x^2 / 3. Sau đó tinh chỉnh bằng fastinit.tanh.",
    "small": "Gợi ý: ở đó sai số mới chỉ {:.2%}; hãy đi xa hơn.",
    "large": "Gợi ý: ở đó sai số đã là {:.2%}; hãy lại gần 0 hơn.",
    "right": "Đúng: tại {:.3f} sai số là {:.2%}. Với sigmoid phải tới {:.2f}.",
}


# %% name="check"
def check(x):
    """The hint that is needed, or None when the answer is right."""
    if x is ... or x <= 0:
        return hints["start"]
    error = x / fastinit.tanh(x) - 1
    if abs(error - 0.01) < 1e-4:
        return None
    return hints["small" if error < 0.01 else "large"].format(error)


hint = check(x)
if hint:
    print(hint)
else:
    far = np.linspace(0.01, 2, 20_000)
    off = np.abs(1 / 2 + far / 4 - fastinit.sigmoid(far)) / fastinit.sigmoid(far)
    print(hints["right"].format(x, x / fastinit.tanh(x) - 1, far[np.argmax(off > 0.01)]))
