# %% [markdown] lang="en"
# # 2. One unit a layer
#
# The smallest deep network is a chain with one sigmoid unit in each layer. Whatever can go wrong with a gradient can be worked out here by
# hand, and every number below is checked by the cell that prints it.
# %% [markdown] lang="vi"
# # 2. Mỗi lớp một nơ-ron
#
# Mạng sâu nhỏ nhất là một chuỗi với một nơ-ron sigmoid ở mỗi lớp. Mọi điều có thể hỏng với gradient đều tính tay được ở đây, và mỗi con
# số dưới đây được chính ô in ra nó kiểm tra.
# %% name="2.1 sigmoid and its slope"
import fastinit
import matplotlib.pyplot as plt
import numpy as np

fastinit.plot_activation("sigmoid")
plt.show()
z = np.linspace(-50, 50, 100_001)
assert fastinit.dsigmoid(0.0) == 0.25 == fastinit.dsigmoid(z).max()  # the steepest it ever is
# %% [markdown] lang="en"
# ## A large weight
#
# Take the weight $w = 6.74$ and the input that makes $z = 14.15$, which is $x = 2.099$. How steep is the sigmoid there?
#
# The text that this lesson follows prints $7.08\cdot10^{-7}$. The value is $7.157\cdot10^{-7}$. The text has
# $y = 0.9999992912$, which is the sigmoid of $z = 14.1597$: it was computed there, and then $z$ was cut to 14.15 and 7.088 to 7.08. (The text also gives $9\cdot10^{-7}$ for the gradient by the weight. It has $x\,\sigma'(z)$ as a
# factor, and what follows the unit as another; the picture with the rest of that network is lost, but the other factor must have
# been 0.6.)
# %% [markdown] lang="vi"
# ## Một trọng số lớn
#
# Lấy trọng số $w = 6.74$ và đầu vào sao cho $z = 14.15$, tức $x = 2.099$. Sigmoid ở đó dốc bao nhiêu?
#
# Bài giảng mà ta theo in ra $7.08\cdot10^{-7}$. Giá trị đúng là $7.157\cdot10^{-7}$. Bài giảng có
# $y = 0.9999992912$, vốn là sigmoid của $z = 14.1597$: phép tính được làm ở đó, rồi $z$ bị cắt còn 14.15 và 7.088 còn 7.08. (Bài
# giảng còn cho gradient theo trọng số là $9\cdot10^{-7}$. Gradient đó có thừa số $x\,\sigma'(z)$, và thừa số còn lại đến từ phần mạng
# phía sau; hình vẽ phần mạng đó đã mất, nhưng thừa số còn lại hẳn phải là 0.6.)
# %% name="2.1 large weight"
w, z = 6.74, 14.15
x = z / w
slope = fastinit.dsigmoid(z)
print(f"x = {x:.3f}, sigmoid'({z}) = {slope:.3e}")
assert f"{x:.3f}" == "2.099" and f"{slope:.3e}" == "7.157e-07"

printed = 0.9999992912
belongs_to = np.log(printed / (1 - printed))
print(f"y = {printed}: {printed * (1 - printed):.3e} = sigmoid'({belongs_to:.4f})")
assert f"{printed * (1 - printed):.3e}" == "7.088e-07" and f"{belongs_to:.4f}" == "14.1597"

rest = 9e-7 / (x * slope)
print(f"dL/dw = {x * slope:.3g} x what follows; it is 9e-7 if that is {rest:.2f}")
assert f"{rest:.1f}" == "0.6"

far = np.float32([9, 12, 14.15, 17, 20, 50])
y = fastinit.sigmoid(far)
print("\nfloat32, z        ", *(f"{v:9.4g}" for v in far))
print("y (1 - y)         ", *(f"{v:9.3g}" for v in y * (1 - y)))
print("fastinit.dsigmoid ", *(f"{v:9.3g}" for v in fastinit.dsigmoid(far)))
assert (y * (1 - y))[-2:].tolist() == [0, 0] and (
    fastinit.dsigmoid(far) > 0
).all()  # and at 17 it is 44% too large
# %% [markdown] lang="en"
# "Beyond -4 and 4 the slope tends to 0", one often reads. It does, but it is not there yet: at 4 it is 0.0177, which is 7% of the most it can be.
# On a logarithmic scale the slope falls along a straight line for ever. The black line is what `y * (1 - y)` makes of it in float32.
# %% [markdown] lang="vi"
# Người ta hay viết "ngoài khoảng -4 đến 4 độ dốc tiến đến 0". Đúng là tiến đến, nhưng chưa tới: tại 4 nó là 0.0177, tức 7% của giá trị lớn
# nhất. Trên thang logarit, độ dốc đi xuống mãi theo một đường thẳng. Đường đen là điều mà `y * (1 - y)` làm với nó trong float32.
# %% name="2.1 flat ranges"
assert f"{fastinit.dsigmoid(4.0):.4f}" == "0.0177"
assert f"{fastinit.dsigmoid(4.0) / 0.25:.0%}" == "7%"
ax = fastinit.plot_activation("sigmoid", log=True, low=-25, high=25)
ax.axvline(14.15, color="C3", linewidth=0.8)
plt.show()
# %% [markdown] lang="en"
# ## Many small factors
#
# Multiply 100 by 0.1 five times and 0.001 is left. A gradient is such a product: by the chain rule, each sigmoid layer contributes
# $w\,\sigma'(z)$, and $\sigma'$ is at most 0.25. With weights of size 1 or less, two layers leave at most 0.0625 of it, three 0.015625,
# $n$ layers $0.25^n$. (Only then. A weight of 5 makes the factor as large as 1.25: "every layer leaves at most a quarter" holds for
# $|w| \le 1$, not in general.)
# %% [markdown] lang="vi"
# ## Nhiều thừa số nhỏ
#
# Nhân 100 với 0.1 năm lần thì còn 0.001. Gradient là một tích như vậy: theo quy tắc chuỗi, mỗi lớp sigmoid góp thừa số
# $w\,\sigma'(z)$, mà $\sigma'$ lớn nhất là 0.25. Với trọng số có độ lớn không quá 1, hai lớp để lại nhiều nhất 0.0625, ba lớp 0.015625,
# $n$ lớp $0.25^n$. (Chỉ khi đó thôi. Trọng số 5 làm thừa số lên tới 1.25: câu "mỗi lớp để lại nhiều nhất một phần tư" đúng khi
# $|w| \le 1$, không đúng nói chung.)
# %% name="2.2 products"
value = 100.0
for step, left in enumerate((10, 1, 0.1, 0.01, 0.001), 1):
    value *= 0.1
    assert np.isclose(value, left)
    print(f"100 x 0.1^{step} = {value:g}")
bound = 0.25 ** np.arange(1, 11)
assert bound[1] == 0.0625 and bound[2] == 0.015625
print("at most, by layers:", *(f"{b:.2g}" for b in bound))
assert 5 * fastinit.dsigmoid(0.0) == 1.25


# %% [markdown] lang="en"
# ## The chain of five layers, forward and backward
#
# Five layers, every weight 0.919, input 0.5, target 1, loss $(a - y)^2$. (The source's own picture is lost; these are the round numbers
# that reproduce its result.) `backward` walks through the layers as you would on paper:
# $\dfrac{\partial L}{\partial z^{[l]}} = \dfrac{\partial L}{\partial z^{[l+1]}}\; w\; \sigma'(z^{[l]})$.
# %% [markdown] lang="vi"
# ## Chuỗi năm lớp, lan truyền xuôi và lan truyền ngược
#
# Năm lớp, mọi trọng số là 0.919, đầu vào 0.5, mục tiêu 1, hàm mất mát $(a - y)^2$. (Hình của bài giảng gốc đã mất; đây là những con số
# tròn cho lại đúng kết quả của nó.) `backward` đi qua từng lớp như bạn làm trên giấy:
# $\dfrac{\partial L}{\partial z^{[l]}} = \dfrac{\partial L}{\partial z^{[l+1]}}\; w\; \sigma'(z^{[l]})$.
# %% name="2.2 five-layer chain"
def chain(w, depth, x):
    """Forward and backward through `depth` sigmoid units, each of weight w; the target is 1."""
    network = [
        fastinit.Dense(np.full((1, 1), w), activation="sigmoid", name=f"layer{i + 1}")
        for i in range(depth)
    ]
    inputs = np.full((1, 1), x)
    zs, outputs = fastinit.forward(network, inputs)
    _, grad = fastinit.mean_squared_error(outputs[-1], np.ones((1, 1)))
    return zs, outputs, fastinit.backward(network, inputs, zs, outputs, grad)


zs, outputs, gradients = chain(0.919, 5, 0.5)
print("layer       z        a   sigmoid'(z)     dL/dz      dL/dw")
for i in range(5):
    dz, dw, _ = gradients[i]
    slope = fastinit.dsigmoid(zs[i]).item()
    print(
        f"{i + 1:5}{zs[i].item():8.4f} {outputs[i].item():8.4f} {slope:12.4f} "
        f"{dz.item():11.2e} {dw.item():10.2e}"
    )

by_hand = 2 * (outputs[4] - 1) * fastinit.dsigmoid(zs[4])
for i in (3, 2, 1, 0):
    # less than a quarter gets through each layer
    assert abs(gradients[i][0]) < 0.25 * abs(gradients[i + 1][0])
    by_hand = by_hand * 0.919 * fastinit.dsigmoid(zs[i])
assert np.isclose(by_hand, gradients[0][0]).all()

slope = gradients[0][1].item()
new = 0.919 - 0.01 * slope
print(f"first weight: 0.919 - 0.01 x ({slope:.4f}) = {new:.6f}")
assert f"{slope:.4f}" == "-0.0002" and f"{new:.6f}" == "0.919002"
# %% [markdown] lang="en"
# At learning rate 0.01 the first weight moved by 0.000002: from 0.919 to 0.919002. It learns, but too slowly to be of use.
#
# ## Try it
#
# Above: where the layers of the chain sit on the slope. Below: the gradient of each layer. First three weights, then your own.
# %% [markdown] lang="vi"
# Với tốc độ học 0.01, trọng số đầu tiên nhích 0.000002: từ 0.919 thành 0.919002. Nó có học, nhưng quá chậm để có ích.
#
# ## Hãy thử
#
# Bên trên: các lớp của chuỗi nằm ở đâu trên đường dốc. Bên dưới: gradient của từng lớp. Trước hết là ba trọng số, sau đó là của bạn.
# %% name="figure"
curve = np.linspace(-16, 16, 400)


def draw(axes, w, depth=5):
    zs, _, gradients = chain(w, depth, 2.099)
    axes[0].plot(curve, fastinit.dsigmoid(curve), color="0.6")
    axes[0].plot([z.item() for z in zs], [fastinit.dsigmoid(z).item() for z in zs], "o")
    axes[0].set(
        title=f"w = {w:g}: z of each layer",
        xlabel="z",
        ylabel="sigmoid'",
        xticks=[-10, 0, 10],
        yticks=[0, 0.1, 0.2],
    )
    axes[1].bar(range(1, depth + 1), [abs(dz.item()) for dz, _, _ in gradients])
    axes[1].set(
        title="size of dL/dz",
        xlabel="layer",
        yscale="log",
        ylim=(1e-20, 1),
        yticks=[1e-20, 1e-10, 1],
    )
    axes[1].minorticks_off()
    axes[1].yaxis.set_major_formatter("{x:g}")


figure, axes = plt.subplots(2, 3, figsize=(12, 5.5), layout="constrained")
for column, w in zip(axes.T, (0.919, 3.0, 6.74), strict=True):
    draw(column, w)
plt.show()
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import FloatSlider, IntSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(w, depth):
        draw(plt.figure(figsize=(8, 2.6)).subplots(1, 2), w, depth)
        plt.show()

    interact(
        redraw, w=FloatSlider(0.9, min=-7, max=7, step=0.1), depth=IntSlider(5, min=1, max=12)
    )
# %% [markdown] lang="en"
# ## Exercise
#
# The input is 2.099. Find a weight below 6 at which the slope of the first unit is below $10^{-4}$.
# %% [markdown] lang="vi"
# ## Bài tập
#
# Đầu vào là 2.099. Hãy tìm một trọng số nhỏ hơn 6 mà tại đó độ dốc của nơ-ron đầu tiên nhỏ hơn $10^{-4}$.
# %% tags=["exercise"]
w = ...
# %% tags=["solution"]
w = 4.5
# %% tags=["wrong"]
w = 2.0
# %% tags=["wrong"]
w = 6.74
# %% name="words" lang="en"
hints = {
    "start": "Hint: for large z, sigmoid'(z) is close to exp(-z), and exp(-9.2) is about 1e-4.",
    "large": "Hint: a weight below 6 will do.",
    "steep": "Hint: there the slope is still {:.2g}; move further from 0.",
    "right": "Right: sigmoid'({:.2f}) = {:.2g}. All that lies before this unit learns that much more slowly.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: với z lớn, sigmoid'(z) xấp xỉ exp(-z), và exp(-9.2) khoảng 1e-4.",
    "large": "Gợi ý: một trọng số nhỏ hơn 6 là đủ.",
    "steep": "Gợi ý: ở đó độ dốc vẫn còn {:.2g}; hãy đi xa số 0 hơn.",
    "right": "Đúng: sigmoid'({:.2f}) = {:.2g}. Mọi thứ nằm trước nơ-ron này học chậm đi từng ấy lần.",
}


# %% name="check"
def check(w):
    """The hint that is needed, or None when the answer is right."""
    if w is ...:
        return hints["start"]
    if w >= 6:
        return hints["large"]
    slope = fastinit.dsigmoid(2.099 * w)
    return hints["steep"].format(slope) if slope >= 1e-4 else None


hint = check(w)
print(hint or hints["right"].format(2.099 * w, fastinit.dsigmoid(2.099 * w)))
