# Bars and texts as SVG, for the plots of the benchmark and of docs/labs. The caller has a function x_of(value) and draws
# the frame: svg_begin, then what it likes, then print "</svg>".

function svg_begin(width, height, title)
{
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n", width, height, width, height
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height
    text(12, 20, "start", 15, "#000", title)
}

function text(x, y, anchor, size, colour, s)
{
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\">%s</text>\n", x, y, anchor, size, colour, s
}

# A square of the legend and what its colour stands for.
function key(x, y, colour, s)
{
    printf "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, y, colour
    text(x + 15, y + 9, "start", 11, "#333", s)
}

# A line of the scale from top to bottom, with its number below.
function grid(v, top, bottom)
{
    printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>\n", x_of(v), top, x_of(v), bottom, (v > 0.99 && v < 1.01 ? "#000" : "#ddd")
    text(x_of(v), bottom + 14, "middle", 11, "#333", sprintf("%g", v))
}

# From 1 to v, with the number at its end.
function bar(y, height, v, colour,    a, b)
{
    if (v == "")
        return
    a = x_of(1)
    b = x_of(v)
    printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", (b < a ? b : a), y, (b < a ? a - b : b - a) + 0.5, height, colour
    if (v + 0 >= 1)
        text(b + 4, y + height - 1, "start", 10, "#333", sprintf("%.3g", v))
    else
        text(b - 4, y + height - 1, "end", 10, "#333", sprintf("%.3g", v))
}
