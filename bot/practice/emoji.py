"""The emoji that the practice room knows, by Slack's names."""

EMOJI = {
    "+1": "👍", "-1": "👎", "thumbsup": "👍", "thumbsdown": "👎", "ok_hand": "👌", "clap": "👏", "wave": "👋",
    "raised_hands": "🙌", "pray": "🙏", "muscle": "💪", "point_right": "👉", "eyes": "👀", "heart": "❤️",
    "tada": "🎉", "rocket": "🚀", "fire": "🔥", "sparkles": "✨", "star": "⭐", "zap": "⚡", "bulb": "💡",
    "white_check_mark": "✅", "heavy_check_mark": "✔️", "ballot_box_with_check": "☑️", "x": "❌",
    "no_entry": "⛔", "no_entry_sign": "🚫", "octagonal_sign": "🛑", "warning": "⚠️", "rotating_light": "🚨",
    "exclamation": "❗", "question": "❓", "grey_question": "❔", "information_source": "\u2139\ufe0f",
    "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "stopwatch": "⏱️", "alarm_clock": "⏰", "clock3": "🕒",
    "calendar": "📅", "date": "📅", "gear": "⚙️", "wrench": "🔧", "hammer": "🔨", "hammer_and_wrench": "🛠️",
    "toolbox": "🧰", "mag": "🔍", "lock": "🔒", "unlock": "🔓", "key": "🔑", "shield": "🛡️", "link": "🔗",
    "paperclip": "📎", "page_facing_up": "📄", "memo": "📝", "pencil": "📝", "clipboard": "📋", "books": "📚",
    "open_file_folder": "📂", "file_folder": "📁", "package": "📦", "inbox_tray": "📥", "outbox_tray": "📤",
    "email": "✉️", "envelope": "✉️", "mailbox": "📫", "speech_balloon": "💬", "bell": "🔔", "no_bell": "🔕",
    "loudspeaker": "📢", "robot_face": "🤖", "snake": "🐍", "bug": "🐛", "computer": "💻",
    "bar_chart": "📊", "chart_with_upwards_trend": "📈", "moneybag": "💰", "recycle": "♻️",
    "arrow_right": "➡️", "arrows_counterclockwise": "🔄", "leftwards_arrow_with_hook": "↩️",
    "arrow_forward": "▶️", "double_vertical_bar": "⏸️", "black_square_for_stop": "⏹️", "repeat": "🔁",
    "large_green_circle": "🟢", "large_yellow_circle": "🟡", "red_circle": "🔴", "large_blue_circle": "🔵",
    "white_circle": "⚪", "black_circle": "⚫", "smile": "😄", "slightly_smiling_face": "🙂",
    "thinking_face": "🤔", "sob": "😭", "bow": "🙇", "coffee": "☕", "100": "💯",
}  # fmt: skip
