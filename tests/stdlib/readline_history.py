# readline without a terminal: history and its files, words of errors, what is bound.
import os
import readline
import tempfile


def t(f, *args):
    try:
        print("->", repr(f(*args)))
    except Exception as error:
        print(type(error).__name__, error)


for name in ("completer", "startup_hook", "pre_input_hook", "completion_display_matches_hook"):
    t(getattr(readline, "set_" + name), 1)
    t(getattr(readline, "set_" + name), len)
    t(getattr(readline, "set_" + name))
readline.set_completer(print)
t(readline.get_completer)
t(readline.get_completer_delims)
readline.set_completer_delims(" ")
t(readline.get_completer_delims)
t(readline.get_history_length)
t(readline.get_completion_type)
t(readline.get_begidx)
t(readline.get_endidx)
t(readline.get_line_buffer)
readline.clear_history()
for line in ("first", "second", "", "entr\xe9e", "  "):
    readline.add_history(line)
t(readline.get_current_history_length)
print([readline.get_history_item(i) for i in range(-1, 8)])
t(readline.remove_history_item, -1)
t(readline.remove_history_item, 5)
t(readline.remove_history_item, 1)
t(readline.replace_history_item, -1, "x")
t(readline.replace_history_item, 4, "x")
t(readline.replace_history_item, 0, "new")
t(readline.add_history, 1)
t(readline.add_history, "a\0b")
t(readline.set_history_length, 2**40)
t(readline.parse_and_bind, "tab: complete")
t(readline.parse_and_bind, "set editing-mode emacs")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "history")
    for f in (readline.read_history_file, readline.read_init_file):
        t(f, path)
    t(readline.append_history_file, 1, path)
    t(readline.append_history_file, -1, path)
    t(readline.write_history_file, path)
    with open(path, encoding="utf-8") as file:
        print(file.readlines())
    readline.set_history_length(3)
    t(readline.append_history_file, 2, path)
    with open(path, encoding="utf-8") as file:
        print(file.readlines())
    readline.clear_history()
    t(readline.read_history_file, path)
    print([readline.get_history_item(i) for i in range(5)])
print(readline.backend)
