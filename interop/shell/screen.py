"""A program that takes over the whole terminal, as editors do: curses on the alternate screen."""

import curses


def main(screen):
    curses.curs_set(0)
    rows, cols = screen.getmaxyx()
    screen.addstr(0, 0, f"size {rows}x{cols}")
    screen.addstr(2, 4, "caf\u00e9 \u2713", curses.A_BOLD)
    screen.refresh()
    while screen.getch() != ord("q"):
        pass


curses.wrapper(main)
