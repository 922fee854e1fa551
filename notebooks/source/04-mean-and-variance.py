# %% [markdown] lang="en"
# # 4. Mean and variance
#
# The rest of the lesson needs a few facts about random numbers. Here each is found twice: exactly, and in numbers drawn by fastinit.
# %% [markdown] lang="vi"
# # 4. Kỳ vọng và phương sai
#
# Phần còn lại của bài học cần vài tính chất của số ngẫu nhiên. Ở đây mỗi điều được tìm hai lần: chính xác, và trong các số do fastinit sinh ra.
# %% [markdown] lang="en"
# ## A weighted mean: 1, 2 or 3 km to school
#
# 30% of the pupils live 1 km from school, 40% live 2 km, 30% live 3 km. The mean weighs each value by its probability, and the variance is
# the mean squared distance from the mean:
#
# $$\mathbb{E}X = \sum_i x_i\,P(x_i), \qquad \operatorname{Var} X = \mathbb{E}(X - \mathbb{E}X)^2 = \mathbb{E}X^2 - (\mathbb{E}X)^2 .$$
#
# In $\mathbb{E}X^2$ the probabilities stay with the pupils: whoever lives at 2 km has $X^2 = 4$, so $P(X^2 = 4) = P(X = 2) = 0.4$.
# %% [markdown] lang="vi"
# ## Trung bình có trọng số: 1, 2 hay 3 km tới trường
#
# 30% học sinh ở cách trường 1 km, 40% ở cách 2 km, 30% ở cách 3 km. Kỳ vọng là trung bình có trọng số là xác suất, còn phương sai là trung
# bình của bình phương khoảng cách tới kỳ vọng:
#
# $$\mathbb{E}X = \sum_i x_i\,P(x_i), \qquad \operatorname{Var} X = \mathbb{E}(X - \mathbb{E}X)^2 = \mathbb{E}X^2 - (\mathbb{E}X)^2 .$$
#
# Trong $\mathbb{E}X^2$, xác suất vẫn gắn với học sinh: ai ở cách 2 km thì có $X^2 = 4$, nên $P(X^2 = 4) = P(X = 2) = 0.4$.
# %% name="3.1 mean and variance"
import math

import fastinit
import matplotlib.pyplot as plt
import numpy as np


def moments(values, probabilities):
    """E X and Var X of a discrete X."""
    mean = np.sum(probabilities * values)
    return mean, np.sum(probabilities * values**2) - mean**2


km, p = np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.4, 0.3])
mean, variance = moments(km, p)
print(
    f"E X = {mean:g} km, E X^2 = {np.sum(p * km**2):g}, "
    f"Var X = {variance:.2g} km^2, std = {math.sqrt(variance):.4f} km"
)
assert np.isclose(mean, 2) and np.isclose(np.sum(p * km**2), 4.6) and np.isclose(variance, 0.6)
assert np.isclose(variance, np.sum(p * (km - mean) ** 2))
# %% [markdown] lang="en"
# ## A product
#
# A layer multiplies: weight times input. For independent $X$ and $Y$
#
# $$\mathbb{E}(XY) = \mathbb{E}X\;\mathbb{E}Y, \qquad
# \operatorname{Var}(XY) = \operatorname{Var}X\operatorname{Var}Y + \operatorname{Var}X\,(\mathbb{E}Y)^2 + \operatorname{Var}Y\,(\mathbb{E}X)^2 .$$
#
# If both means are 0, only $\operatorname{Var}X\operatorname{Var}Y$ is left, and that is why weights are drawn around 0.
# %% [markdown] lang="vi"
# ## Một tích
#
# Một lớp thực hiện phép nhân: trọng số nhân với đầu vào. Với $X$ và $Y$ độc lập
#
# $$\mathbb{E}(XY) = \mathbb{E}X\;\mathbb{E}Y, \qquad
# \operatorname{Var}(XY) = \operatorname{Var}X\operatorname{Var}Y + \operatorname{Var}X\,(\mathbb{E}Y)^2 + \operatorname{Var}Y\,(\mathbb{E}X)^2 .$$
#
# Khi cả hai kỳ vọng bằng 0 thì chỉ còn $\operatorname{Var}X\operatorname{Var}Y$, và đó là lý do trọng số được lấy quanh 0.
# %% name="3.1 variance of a product"
other, q = np.array([-1.0, 0.5, 4.0]), np.array([0.5, 0.25, 0.25])  # a second discrete variable
(ex, vx), (ey, vy) = moments(km, p), moments(other, q)
# all nine outcomes of an independent pair
both, variance = moments(np.outer(km, other), np.outer(p, q))
print(f"E(XY) = {both:g} = {ex:g} x {ey:g};  Var(XY) = {variance:.4f}")
assert np.isclose(both, ex * ey)
assert np.isclose(variance, vx * vy + vx * ey**2 + vy * ex**2)

x = fastinit.normal_(np.empty(1_000_000, np.float32), 0.5, 2.0, generator=1)
y = fastinit.uniform_(np.empty(1_000_000, np.float32), -1.0, 3.0, generator=2)
expected = 4 * 16 / 12 + 4 * 1**2 + 16 / 12 * 0.5**2
drawn = fastinit.describe(x * y).var
print(f"a million pairs: Var(XY) = {drawn:.3f}, by the rule {expected:.3f}")
assert abs(drawn / expected - 1) < 0.02
# %% [markdown] lang="en"
# ## The uniform distribution: waiting for a bus
#
# All outcomes are equally likely: each face of a die with 1/6, or every waiting time if a bus leaves once an hour and you do not know
# when. $U(a, b)$ has the density $1/(b - a)$, a rectangle, so each minute of the 60 has probability 1/60, and
# $P(5 < X < 20) = \frac{20 - 5}{60} = 0.25$. Instead of sums there are integrals:
#
# $$\mathbb{E}X = \int x f(x)\,dx = \frac{a + b}{2}, \qquad \operatorname{Var}X = \frac{(b - a)^2}{12} .$$
# %% [markdown] lang="vi"
# ## Phân phối đều: chờ xe buýt
#
# Mọi kết quả đều có khả năng như nhau: mỗi mặt xúc xắc với xác suất 1/6, hay mọi thời gian chờ nếu mỗi giờ có một chuyến xe mà bạn không
# biết vào lúc nào. $U(a, b)$ có mật độ $1/(b - a)$, một hình chữ nhật, nên mỗi phút trong 60 phút có xác suất 1/60, và
# $P(5 < X < 20) = \frac{20 - 5}{60} = 0.25$. Thay cho tổng là tích phân:
#
# $$\mathbb{E}X = \int x f(x)\,dx = \frac{a + b}{2}, \qquad \operatorname{Var}X = \frac{(b - a)^2}{12} .$$
# %% name="3.2 uniform"
a, b = 0.0, 60.0
minutes = np.linspace(a, b, 600_001)
middles, width = (minutes[1:] + minutes[:-1]) / 2, minutes[1] - minutes[0]
density = np.full(middles.size, 1 / (b - a))
integral_mean = np.sum(middles * density) * width
integral_variance = np.sum((middles - integral_mean) ** 2 * density) * width
assert np.isclose(integral_mean, 30) and np.isclose(integral_variance, (b - a) ** 2 / 12)
assert np.isclose(moments(np.arange(1, 7), np.full(6, 1 / 6)), (3.5, 35 / 12)).all()  # the die

wait = fastinit.uniform_(np.empty(1_000_000, np.float32), a, b, generator=3)
share, found = np.mean((wait > 5) & (wait < 20)), fastinit.describe(wait)
print(f"P(5 < X < 20) = {(20 - 5) / (b - a)}, drawn {share:.4f}")
print(
    f"mean {integral_mean:.1f}, drawn {found.mean:.2f};  "
    f"variance {integral_variance:.1f}, drawn {found.var:.1f}"
)
assert (20 - 5) / (b - a) == 0.25 and abs(share - 0.25) < 0.003
assert abs(found.mean - 30) < 0.1 and abs(found.var / 300 - 1) < 0.005
# %% [markdown] lang="en"
# ## The Gaussian distribution
#
# $\mathcal N(\mu, \sigma^2)$ has the density $\frac{1}{\sigma\sqrt{2\pi}}\,e^{-(x-\mu)^2/2\sigma^2}$, mean $\mu$ and variance $\sigma^2$. Three
# numbers are worth knowing by heart: 68.3% of it lies within one $\sigma$ of the mean, 95.4% within two, 99.7% within three. It matters
# here because a sum of many small independent terms is nearly Gaussian whatever the terms are, and $z = w_1x_1 + \dots + w_nx_n$ is such a sum.
#
# A *truncated* normal draws again whatever falls beyond two $\sigma$, and that costs variance: its standard deviation is $0.8796\,\sigma$.
# Whoever wants variance $1/n$ from it must widen it first, as `variance_scaling_` does.
# %% [markdown] lang="vi"
# ## Phân phối Gauss
#
# $\mathcal N(\mu, \sigma^2)$ có mật độ $\frac{1}{\sigma\sqrt{2\pi}}\,e^{-(x-\mu)^2/2\sigma^2}$, kỳ vọng $\mu$ và phương sai $\sigma^2$. Ba con số
# đáng thuộc lòng: 68.3% nằm trong một $\sigma$ quanh kỳ vọng, 95.4% trong hai, 99.7% trong ba. Nó quan trọng ở đây vì tổng của nhiều số
# hạng nhỏ độc lập gần như là Gauss dù các số hạng có thế nào, mà $z = w_1x_1 + \dots + w_nx_n$ chính là một tổng như vậy.
#
# Phân phối chuẩn *cắt cụt* sinh lại những giá trị rơi ra ngoài hai $\sigma$, và điều đó làm mất phương sai: độ lệch chuẩn chỉ còn $0.8796\,\sigma$. Ai
# muốn phương sai $1/n$ thì phải nới nó ra trước, như `variance_scaling_` làm.
# %% name="3.2 Gaussian"
g = fastinit.normal_(np.empty(1_000_000, np.float32), generator=4)
for k, within in ((1, "68.3%"), (2, "95.4%"), (3, "99.7%")):
    exact, drawn = math.erf(k / math.sqrt(2)), np.mean(np.abs(g) < k)
    print(f"within {k} sigma: {exact:.2%}, drawn {drawn:.2%}")
    assert f"{exact:.1%}" == within and abs(drawn - exact) < 0.002

# each is flat, not a bell
terms = fastinit.uniform_(np.empty((100_000, 30), np.float32), -1, 1, generator=5)
one, total = fastinit.describe(terms[:, 0]), fastinit.describe(terms.sum(axis=1))
print(
    f"excess kurtosis (0: Gaussian): one uniform {one.kurtosis:.2f}, "
    f"the sum of 30 {total.kurtosis:.2f}; its variance {total.var:.2f}"
)
assert abs(one.kurtosis + 1.2) < 0.05
assert abs(total.kurtosis) < 0.1
assert abs(total.var / (30 / 3) - 1) < 0.02

cut = fastinit.describe(fastinit.trunc_normal_(np.empty(1_000_000, np.float32), generator=6))
print(f"truncated at 2 sigma: std {fastinit.truncated_std():.4f}, drawn {cut.std:.4f}")
assert f"{fastinit.truncated_std():.4f}" == "0.8796" and abs(cut.std - 0.8796) < 0.002


# %% [markdown] lang="en"
# ## Try it
#
# $U(a, b)$ and a Gaussian with the same mean. In the third picture they have the same variance too: $U(-\sqrt3, \sqrt3)$ and
# $\mathcal N(0, 1)$. For the size of signals only the variance counts, so every rule of this lesson has both forms.
# %% [markdown] lang="vi"
# ## Hãy thử
#
# $U(a, b)$ và một phân phối Gauss cùng kỳ vọng. Trong hình thứ ba chúng có cùng cả phương sai: $U(-\sqrt3, \sqrt3)$ và $\mathcal N(0, 1)$.
# Với độ lớn của tín hiệu chỉ phương sai là quan trọng, nên quy tắc nào của bài học cũng có cả hai dạng.
# %% name="figure"
def draw(ax, a, b, sigma):
    edges = np.linspace(-8, 8, 81)
    uniform = fastinit.uniform_(np.empty(20_000, np.float32), a, b, generator=1)
    normal = fastinit.normal_(np.empty(20_000, np.float32), (a + b) / 2, sigma, generator=2)
    for values, name in ((uniform, "U"), (normal, "N")):
        s = fastinit.describe(values)
        ax.stairs(
            np.histogram(values, edges, density=True)[0],
            edges,
            fill=True,
            alpha=0.5,
            label=f"{name}: std {s.std:.2f}, var {s.var:.2f}",
        )
    ax.plot(
        edges,
        np.exp(-0.5 * ((edges - (a + b) / 2) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi)),
        "k-",
        linewidth=0.8,
    )
    ax.set(title=f"(b - a)² / 12 = {(b - a) ** 2 / 12:.2f},  σ² = {sigma**2:.2f}", xlim=(-8, 8))
    ax.legend(fontsize="small")
    return fastinit.describe(uniform).var, fastinit.describe(normal).var


figure, axes = plt.subplots(1, 3, figsize=(13, 3.2), layout="constrained")
for ax, (a, b, sigma) in zip(
    axes, ((-1, 1, 1), (0, 6, 1.7), (-math.sqrt(3), math.sqrt(3), 1)), strict=True
):
    uniform, normal = draw(ax, a, b, sigma)
    assert abs(uniform / ((b - a) ** 2 / 12) - 1) < 0.03 and abs(normal / sigma**2 - 1) < 0.03
plt.show()
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import FloatSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(a, b, sigma):
        draw(plt.figure(figsize=(5.5, 3)).add_subplot(), a, b, sigma)
        plt.show()

    interact(
        redraw,
        a=FloatSlider(-1.0, min=-6, max=0, step=0.5),
        b=FloatSlider(1.0, min=0.5, max=6, step=0.5),
        sigma=FloatSlider(1.0, min=0.2, max=4, step=0.2),
    )
# %% [markdown] lang="en"
# ## Exercise
#
# $X$ is uniform on $(-1, 1)$, $Y$ is normal with mean 2 and standard deviation 0.5, and they are independent. What is
# $\operatorname{Var}(XY)$?
# %% [markdown] lang="vi"
# ## Bài tập
#
# $X$ phân phối đều trên $(-1, 1)$, $Y$ phân phối chuẩn với kỳ vọng 2 và độ lệch chuẩn 0.5, hai biến độc lập. $\operatorname{Var}(XY)$ bằng
# bao nhiêu?
# %% tags=["exercise"]
answer = ...
# %% tags=["solution"]
answer = (1 / 3) * 0.25 + (1 / 3) * 2**2 + 0.25 * 0**2
# %% tags=["wrong"]
answer = (1 / 3) * 0.25
# %% tags=["wrong"]
answer = 1.5
# %% name="words" lang="en"
hints = {
    "start": "Hint: Var X = (1 - (-1))^2 / 12 and Var Y = 0.5^2; then the rule for a product.",
    "one term": "Hint: Var X Var Y is the first of three terms; E Y is not 0 here.",
    "off": "Hint: a million drawn pairs have variance {:.3f}.",
    "right": "Right: a million drawn pairs have variance {:.3f}.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: Var X = (1 - (-1))^2 / 12 và Var Y = 0.5^2; rồi dùng quy tắc cho tích.",
    "one term": "Gợi ý: Var X Var Y chỉ là số hạng đầu trong ba số hạng; ở đây E Y khác 0.",
    "off": "Gợi ý: một triệu cặp sinh ra có phương sai {:.3f}.",
    "right": "Đúng: một triệu cặp sinh ra có phương sai {:.3f}.",
}
# %% name="check"
x = fastinit.uniform_(np.empty(1_000_000), -1, 1, generator=7)
y = fastinit.normal_(np.empty(1_000_000), 2, 0.5, generator=8)
drawn = fastinit.describe(x * y).var


def check(answer):
    """The hint that is needed, or None when the answer is right."""
    if answer is ...:
        return hints["start"]
    if abs(answer - 1 / 12) < 1e-3:
        return hints["one term"]
    return hints["off"].format(drawn) if abs(answer - 17 / 12) > 1e-3 else None


assert abs(drawn / (17 / 12) - 1) < 0.01
hint = check(answer)
print(hint or hints["right"].format(drawn))
