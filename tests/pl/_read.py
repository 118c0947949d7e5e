def ticks(axis):
    return [tick.get_text() for tick in axis.get_ticklabels()]


def titles(axes):
    return [ax.get_title(loc="left") for ax in axes]


def legend(found):
    return [text.get_text() for text in found.get_texts()]
