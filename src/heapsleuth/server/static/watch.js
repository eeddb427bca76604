// What every page does; charts only where there are some.
import { localTimes } from "./times.js";
import { listen } from "./live.js";
import { filterRows } from "./filter.js";
import { askFirst } from "./forms.js";

localTimes(document);
filterRows();
askFirst(document);
let charts = null;
if (document.getElementById("chart-data")) {
  const { Charts } = await import("./charts.js");
  charts = new Charts(document);
}
listen(function changed(part) {
  localTimes(part);
  askFirst(part);
  filterRows();
  if (part.id === "chart-data" && charts) { charts.update(); }
});
