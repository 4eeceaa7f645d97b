# A little of what Python programs do: numbers, strings, lists, dictionaries, objects, exceptions.


class Node:
    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

    def total(self):
        s = self.value
        if self.left:
            s += self.left.total()
        if self.right:
            s += self.right.total()
        return s


def tree(depth):
    return Node(depth, tree(depth - 1), tree(depth - 1)) if depth else Node(1)


def primes(n):
    flags = bytearray([1]) * n
    for i in range(2, int(n ** 0.5) + 1):
        if flags[i]:
            for j in range(i * i, n, i):
                flags[j] = 0
    return sum(flags[2:])


def words(n):
    seen = {}
    for i in range(n):
        w = "w%d" % (i * 7919 % 1009)
        seen[w] = seen.get(w, 0) + 1
    return len("".join(sorted(seen)))


def floats(n):
    x = y = 0.0
    for i in range(n):
        x, y = x * x - y * y + 0.25, 2 * x * y + 0.01 * (i & 3)
        if x * x + y * y > 4.0:
            x = y = 0.0
    return x


def caught(n):
    c = 0
    for i in range(n):
        try:
            if i % 3 == 0:
                raise ValueError(i)
            c += {}.get(i, 1)
        except ValueError:
            c -= 1
    return c


print(tree(14).total(), primes(600000), words(100000), "%.6f" % floats(300000), caught(150000), 3 ** 2000 % 1000007)
