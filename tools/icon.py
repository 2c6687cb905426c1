"""Draws build/icon.png, the icon of the packages: a network with pale, frozen layers and a last layer that is trained."""
from PIL import Image, ImageDraw

SIZE, SCALE = 128, 8  # drawn large and made smaller, for smooth edges
PURPLE, PALE, WHITE, ORANGE, LINE = "#512bd4", "#b9a9f0", "#ffffff", "#ffb53d", "#9b84ea"
FIRST, SECOND, LAST = [(32, 34), (32, 66), (32, 98)], [(64, 50), (64, 82)], (97, 66)

image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE))
draw = ImageDraw.Draw(image)


def circle(center, radius, color):
    draw.ellipse([SCALE * (center[0] - radius), SCALE * (center[1] - radius), SCALE * (center[0] + radius), SCALE * (center[1] + radius)], color)


draw.rounded_rectangle([SCALE * 4, SCALE * 4, SCALE * 124, SCALE * 124], SCALE * 26, PURPLE)
for start, end in [(a, b) for a in FIRST for b in SECOND] + [(b, LAST) for b in SECOND]:
    draw.line([(SCALE * x, SCALE * y) for x, y in (start, end)], LINE, SCALE * 3)
for center in FIRST:
    circle(center, 9, PALE)
for center in SECOND:
    circle(center, 10, WHITE)
circle(LAST, 15, ORANGE)
circle(LAST, 6, PURPLE)
image.resize((SIZE, SIZE), Image.LANCZOS).save("build/icon.png", optimize=True)
