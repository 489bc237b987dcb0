"""History: when each issue came, went and came back, commit by commit.

walk -> issues -> printing (text, JSON), page (HTML with pictures)
"""
