/**
 * Colours of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with the usual colour blindness can tell
 * apart; what they mean is said by dashes and words as well. The chart has a ground of its own, because a page does not
 * have to follow what the reader's system prefers. Plain classes, which simple viewers understand too.
 */
export const CHART_STYLE = `
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2328;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.name{font-size:15px;font-weight:600}
.dim{fill:#59636e}
.end{text-anchor:end}
.mid{text-anchor:middle}
.ground{fill:#fff}
.grid,.axis,.stage,.series,.unsure,.limit,.mark{fill:none;stroke-width:1}
.grid{stroke:#d8dee4}
.axis{stroke:#59636e}
.stage{stroke:#8c959f;stroke-dasharray:1 3}
.series{stroke:#0072b2;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.unsure{stroke:#0072b2;stroke-width:1.5;stroke-dasharray:1 4;stroke-linecap:round}
.limit{stroke:#b34700;stroke-width:1.5;stroke-dasharray:7 4}
.mark{stroke:#1f2328}
.held{stroke-dasharray:4 3}
.literally{stroke-dasharray:1 3}
.blind{fill:#cc79a7;fill-opacity:.28}
.hatch{fill:none;stroke:#8c959f;stroke-width:1}
.of-limit{fill:#b34700}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3;stroke:#0d1117}
.dim{fill:#9198a1}
.ground{fill:#0d1117}
.grid{stroke:#2a313a}
.axis{stroke:#9198a1}
.stage{stroke:#6e7681}
.series,.unsure{stroke:#56b4e9}
.limit{stroke:#e69f00}
.mark{stroke:#e6edf3}
.hatch{stroke:#848d97}
.of-limit{fill:#e69f00}
}
`;
