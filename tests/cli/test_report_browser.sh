# The report in a real browser: nothing on the console, nothing loaded, nothing shifts, and it can be used by keyboard.
. "$(dirname "$0")/library.sh"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "skipped: there is no Chromium here"
    exit 77
}

make_data
train run --set train.log_every=1
[ "$code" -eq 0 ] || say "training"
expect 0 report run --quiet

# Runs in the page's own context, after its script; what it finds is written into the page.
cat >probe.html <<'END'
<script>
"use strict";
const found = [];
const check = (what, holds) => found.push((holds ? "holds: " : "FAILS: ") + what);
const press = (on, key) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
let shifts = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) shifts += e.value; })
  .observe({ type: "layout-shift", buffered: true });

addEventListener("load", () => setTimeout(() => {
  check("the script ran", document.documentElement.dataset.ready === "yes");
  check("every picture is there", [...document.images].length > 90 && [...document.images].every((i) => i.naturalWidth > 0));
  check("nothing was loaded", performance.getEntriesByType("resource").every((e) => e.name.startsWith("data:")));
  check("the page is not wider than the window", document.documentElement.scrollWidth <= innerWidth);

  const chart = document.querySelector(".chart"), value = chart.querySelector(".key b"), at = chart.querySelector(".at");
  const last = value.textContent;
  chart.focus();
  check("a chart takes the focus", document.activeElement === chart);
  press(chart, "Home");
  check("Home reads the first value", value.textContent === chart.querySelector(".line").dataset.y.split(" ")[0]);
  check("the place is said", at.textContent.startsWith("at epoch 0."));
  const box = chart.querySelector(".plot svg").getBoundingClientRect();
  chart.querySelector(".plot").dispatchEvent(new PointerEvent("pointermove", { clientX: box.right, clientY: box.top + 5, bubbles: true }));
  check("pointing at the right end reads the last value", value.textContent === last);
  chart.blur();
  check("leaving goes back to the end", at.textContent === "at the end");

  const map = document.querySelector(".field > svg"), card = document.querySelector(".card");
  check("the map has a point for each image", map.querySelectorAll(".points use").length === 32);
  map.focus();
  press(map, "ArrowRight");
  check("an arrow key shows an image", !card.hidden && card.textContent.startsWith("class "));
  check("and says its class", document.querySelector(".said").textContent === card.textContent);
  const ring = map.querySelector(".ring"), first = ring.getAttribute("cx") + ring.getAttribute("cy");
  for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown"]) press(map, key);
  check("arrow keys go on", ring.getAttribute("cx") + ring.getAttribute("cy") !== first);
  press(map, "Escape");
  check("Escape puts it away", card.hidden);
  const button = document.querySelector(".legend button");
  button.click();
  check("a class is chosen", button.getAttribute("aria-pressed") === "true");
  check("and its points stand out", map.querySelectorAll("use.on").length === 16);
  check("nothing shifted", shifts < 0.001);
  document.title = found.join(" | ");
}, 300));
</script>
END
sed '$d' run/report.html >probed.html # the last line closes the page
cat probe.html >>probed.html
echo '</html>' >>probed.html

# look WIDTH ARGUMENT...: opens the page in a window of that width
look() {
    width=$1
    shift
    code=0
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --window-size="$width",900 \
        --virtual-time-budget=5000 --enable-logging=stderr "$@" "file://$work/probed.html" >dom 2>log </dev/null || code=$?
    grep CONSOLE log >stderr
    : >stdout
    [ "$code" -eq 0 ] || say "the browser failed"
    [ ! -s stderr ] || say "the browser's console is not empty"
}

for width in 1200 390; do
    look $width --dump-dom
    grep -q '<title>holds: ' dom || say "the page's checks did not run at $width pixels"
    if grep '<title>' dom | grep -o 'FAILS: [^|<]*' >failed; then say "at $width pixels: $(cat failed)"; fi
done
look 1200 --print-to-pdf="$work/page.pdf"
head -c 5 page.pdf | grep -q '%PDF-' || say "the page cannot be printed"
finish
