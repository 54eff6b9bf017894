"""The look of the stand-in's own pages; they are no part of the site."""

STYLE = """
:root{--ink:#1c2430;--quiet:#55606e;--line:#d5dbe2;--paper:#fff;--tint:#f3f5f8;--accent:#1f5fa8;
--alert:#a3201d;--alert-tint:#fdf1f0;--note:#fff3cd;--note-ink:#5a4300;color-scheme:light}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);
background:var(--paper);overflow-wrap:anywhere}
.banner{background:var(--note);color:var(--note-ink);text-align:center;font-weight:600}
.banner p{margin:0;padding:.5rem 1rem}
main{padding:1.5rem 1rem 3rem;max-width:66rem;margin:0 auto}
main.single{max-width:34rem}
h1{font-size:1rem;font-weight:600;color:var(--quiet);margin:0 0 1.25rem}
h1 .amount{display:block;font-size:2.25rem;line-height:1.2;color:var(--ink);
font-variant-numeric:tabular-nums}
main.single h1,main.desk h1{font-size:1.5rem;color:var(--ink);margin-bottom:.75rem}
h2{font-size:1.25rem;margin:0 0 1rem}
a{color:var(--accent)}
.back{margin:0 0 1.25rem}
.back a{display:inline-block;padding:.25rem 0;text-decoration:none}
.back a:hover{text-decoration:underline}
.merchant{font-weight:600;margin:0 0 .25rem}
.lines{list-style:none;margin:0 0 1.25rem;padding:0}
.lines li,.totals div{display:flex;justify-content:space-between;gap:1rem;padding:.5rem 0}
.figure{white-space:nowrap;font-variant-numeric:tabular-nums}
.quantity{display:block;color:var(--quiet);font-size:.875rem}
.totals{margin:1.25rem 0 0}
.totals dd{margin:0}
.totals div+div{border-top:1px solid var(--line)}
.totals div:last-child{font-weight:600}
.code{border-top:1px solid var(--line);padding-top:1rem}
.pair{display:flex;gap:.5rem}
.pair input{flex:1;min-width:0}
.applied{margin:0 0 .5rem;font-weight:600}
label{display:block;font-weight:600;font-size:.9375rem;margin-bottom:.25rem}
input:not([type=radio]){width:100%;font:inherit;padding:.625rem .75rem;min-height:2.75rem;
border:1px solid #7d8896;border-radius:.375rem;background:#fff;color:inherit}
input[readonly]{background:var(--tint);color:var(--quiet)}
input[aria-invalid]{border:2px solid var(--alert)}
input[type=radio]{width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
button,.button{display:inline-block;font:inherit;font-weight:600;min-height:2.75rem;
padding:.5rem 1rem;border-radius:.375rem;border:1px solid transparent;cursor:pointer;
text-decoration:none;text-align:center}
.primary{background:var(--accent);color:#fff}
.primary:hover{background:#174a84}
.secondary{background:#fff;color:var(--ink);border-color:#7d8896}
.secondary:hover{background:var(--tint)}
.stack{display:grid;gap:1.25rem}
.stack>button{width:100%;min-height:3rem}
fieldset{border:1px solid #7d8896;border-radius:.5rem;padding:0;margin:0;min-width:0}
legend{font-weight:600;font-size:.9375rem;padding:0 .25rem;margin-left:.75rem}
.choice{display:grid;grid-template-columns:auto 1fr;gap:.25rem .75rem;padding:1rem}
.choice+.choice{border-top:1px solid var(--line)}
.choice>label{margin:0}
.choice>.panel,.choice>.hint{grid-column:2}
.panel{margin-top:.5rem}
fieldset:has(#bank:checked) .panel{display:none}
.hint{color:var(--quiet);font-size:.9375rem;margin:.25rem 0 0}
.hint p{margin:.5rem 0 .25rem}
.hint ul{list-style:none;margin:0;padding:0}
.number{font-variant-numeric:tabular-nums;color:var(--ink);white-space:nowrap}
.error{color:var(--alert);font-weight:600;font-size:.9375rem;margin:.375rem 0 0}
.alert{background:var(--alert-tint);border-left:4px solid var(--alert);padding:.75rem 1rem;
margin:0 0 1.25rem}
.alert p{margin:0}
.alert a{color:var(--alert);font-weight:600}
.note{background:var(--tint);border-left:4px solid var(--accent);padding:.75rem 1rem;
margin:0 0 1.25rem}
.spaced{margin-bottom:2.5rem}
.free{margin:0;padding:1rem;background:var(--tint);border-radius:.375rem}
.payment{border-top:1px solid var(--line);margin-top:2rem;padding-top:2rem}
h1 .amount.plan{font-size:1.5rem;line-height:1.3}
table{border-collapse:collapse;width:100%;font-size:.875rem;overflow-wrap:normal}
th,td{text-align:left;padding:.375rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
.scroll{overflow-x:auto;margin-bottom:2rem}
td form,.row form{display:inline}
td button{min-height:2rem;padding:.25rem .625rem}
@media (min-width:56rem){
.columns{display:grid;grid-template-columns:1fr 1fr;gap:5rem;padding-top:4rem}
.payment{border:0;margin:0;padding:0}
main.single{padding-top:4rem}
}
"""
