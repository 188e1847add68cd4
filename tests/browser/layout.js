// What is wrong with the boxes of a page: texts that overlap, are cut, or lie outside of it.
(() => {
  const problems = [];
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) problems.push(`the page is ${page.scrollWidth} px wide, the window ${innerWidth}`);
  const isShown = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !element.closest(".skip, .patterns, thead, select, svg, #readout, script, title");
  const boxes = [];
  // What a part that is moved sideways shows of a box.
  const seen = (box, owner) => {
    const around = owner.closest(".scroll, .plot, pre")?.getBoundingClientRect();
    if (!around) return box;
    const [left, right] = [Math.max(box.left, around.left), Math.min(box.right, around.right)];
    return { left, right, width: right - left, top: box.top, bottom: box.bottom };
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { currentNode: node } = walker;
    const owner = node.parentElement;
    if (!node.textContent.trim() || !isShown(owner)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const whole of range.getClientRects()) {
      const box = seen(whole, owner);
      if (box.width > 1) boxes.push({ box, owner, text: node.textContent.trim() });
    }
  }
  for (const svg of document.querySelectorAll("svg.chart")) {
    if (svg.checkVisibility()) boxes.push({ box: seen(svg.getBoundingClientRect(), svg), owner: svg, text: `chart ${svg.id}` });
  }
  for (const { box, owner, text } of boxes) {
    if (!owner.closest(".scroll, pre, .plot") && (box.left < -1 || box.right > innerWidth + 1)) problems.push(`outside: ${text}`);
    for (let around = owner; around && around !== document.body; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (style.overflowX === "hidden" && around.scrollWidth > around.clientWidth + 1) problems.push(`cut: ${text}`);
    }
  }
  const inHeader = ({ owner }) => owner.closest("header.bar") !== null;
  boxes.sort((a, b) => a.box.top - b.box.top);
  boxes.forEach((one, place) => {
    for (let next = place + 1; next < boxes.length && boxes[next].box.top < one.box.bottom - 3; next += 1) {
      const other = boxes[next];
      if (one.owner === other.owner || inHeader(one) !== inHeader(other)) continue;
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (across > 2 && down > 4) problems.push(`overlap: "${one.text.slice(0, 60)}" and "${other.text.slice(0, 60)}"`);
    }
  });
  return problems.slice(0, 20);
})()
