"""The terms of an election as a chart: one page, or one SVG, made from plain data.

    data = timeline_data(terms, election="nightly", generated_at=now)
    html = render_page(data)
    svg = render_svg(data)

Both are drawn by Vega from one specification (`spec.py`). Nothing here reads a bucket.
"""
