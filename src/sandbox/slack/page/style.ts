/** The page's style sheet. */
export const STYLE = `
*{box-sizing:border-box}
body{margin:0;font:15px/1.46 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1d1c1d;display:grid;grid-template:32px 1fr/260px 1fr;height:100vh;background:#fff}
.banner{grid-column:1/3;background:#f2c744;color:#3a2d00;text-align:center;font-weight:600;font-size:13px;line-height:32px}
nav{background:#3f2143;color:#e9dfeb;padding:16px 12px;overflow:auto}
nav h4{margin:20px 8px 4px;font-size:13px;font-weight:600;opacity:.75}
nav a{display:block;padding:4px 8px;border-radius:6px;color:inherit;text-decoration:none}
nav a:hover{background:#ffffff1f}nav a.on{background:#1164a3;color:#fff}
nav label{display:block;font-size:13px}nav label select{margin-top:4px}
select,input,textarea{width:100%;font:inherit;padding:7px 10px;border:1px solid #8d8a8d;border-radius:6px;background:#fff;color:#1d1c1d}
input[type=checkbox],input[type=radio]{width:auto;margin:4px 8px 0 0}
.place{display:flex;flex-direction:column;min-height:0}
.place>header{border-bottom:1px solid #ddd;padding:0 20px}h1{font-size:17px;margin:14px 0}
#main{flex:1;overflow:auto;padding:12px 20px;outline:none}
#say{display:flex;gap:8px;padding:12px 20px 20px}#say[hidden]{display:none}
#notice{padding:0 20px;color:#b3261e;min-height:1.5em;white-space:pre-wrap}
.message{padding:8px 0 10px;max-width:760px}.message header{display:flex;gap:8px;align-items:baseline}
.message.reply{margin-left:28px;padding-left:14px;border-left:3px solid #e3e1e3}
.message.ephemeral{background:#f6f6f6;border-radius:8px;padding:8px 12px}
time,small,.context,.empty{color:#616061;font-size:13px}.body time{color:inherit;font-size:inherit}.only{display:block}
.tag{background:#e3e1e3;border-radius:3px;font-size:10px;font-weight:700;padding:1px 4px}
h3{font-size:18px;margin:6px 0}p{margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere}
hr{border:0;border-top:1px solid #e3e1e3;margin:10px 0}
.section{display:flex;gap:16px;justify-content:space-between;align-items:flex-start;margin:4px 0}.words{flex:1;min-width:0}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:8px 20px;white-space:pre-wrap}
.context{display:flex;flex-wrap:wrap;gap:4px 10px;margin:4px 0}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}.actions select,.section select{width:auto}
button{font:inherit;font-weight:600;font-size:14px;padding:6px 14px;border-radius:6px;border:1px solid #b8b6b8;background:#fff;color:#1d1c1d;cursor:pointer}
button:hover{background:#f6f6f6}button.primary{background:#007a5a;border-color:#007a5a;color:#fff}button.primary:hover{background:#005e46}
button.danger{background:#c6184f;border-color:#c6184f;color:#fff}button.danger:hover{background:#a01140}
button:disabled{opacity:.5;cursor:wait}:focus-visible{outline:3px solid #1d9bd1;outline-offset:1px}
blockquote{margin:4px 0;padding:2px 12px;border-left:4px solid #d0cdd0;white-space:pre-wrap}
pre{background:#f6f6f6;border:1px solid #e3e1e3;border-radius:6px;padding:8px 10px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;margin:4px 0}
code{background:#f6f6f6;border:1px solid #e3e1e3;border-radius:4px;padding:1px 4px;font-size:13px;color:#a01140}
.mention{background:#e8f2fb;color:#0b5a97;border-radius:4px;padding:0 2px}
.card{border:1px solid #d0cdd0;border-radius:10px;padding:10px 14px;margin:6px 0}.carousel{display:flex;gap:10px;overflow:auto}.carousel .card{min-width:240px}
.plan{list-style:none;padding:0;margin:6px 0}.task{padding:3px 0 3px 24px;position:relative}
.task:before{content:"○";position:absolute;left:4px;color:#8d8a8d}.task.complete:before{content:"✓";color:#007a5a}.task.error:before{content:"✕";color:#c6184f}.task.in_progress:before{content:"◐";color:#1164a3}
table{border-collapse:collapse;margin:6px 0}td{border:1px solid #d0cdd0;padding:4px 10px}tr:first-child td{font-weight:600;background:#f6f6f6}
.alert{border-radius:8px;padding:10px 14px;margin:6px 0;background:#f6f6f6;border-left:4px solid #8d8a8d}
.alert.error{background:#fdecef;border-color:#c6184f}.alert.warning{background:#fff6dd;border-color:#dba80b}.alert.success{background:#e7f5f0;border-color:#007a5a}.alert.info{background:#e8f2fb;border-color:#1164a3}
#modal:not(:empty){position:fixed;inset:0;background:#0009;display:grid;place-items:center}
.modal{background:#fff;border-radius:12px;width:min(560px,94vw);max-height:88vh;display:flex;flex-direction:column;box-shadow:0 12px 40px #0006}
.modal header,.modal footer{padding:14px 24px}.modal h2{margin:0;font-size:20px}.modal .body{overflow:auto;padding:4px 24px}
.modal footer{display:flex;gap:10px;justify-content:flex-end}.modal .whole{padding:0 24px}
.field{margin:12px 0}.field>label:not(.box){display:block;font-weight:600;margin-bottom:4px}.box{display:flex;font-weight:400;margin:4px 0}.box small{display:block}
.error{color:#b3261e;font-size:13px}.external select,.picks{margin-top:4px}.picks{max-height:170px;overflow:auto;border:1px solid #e3e1e3;border-radius:6px;padding:2px 10px}.picks:empty{display:none}
@media(max-width:700px){body{grid-template:32px auto 1fr/1fr}.banner{grid-column:1}nav{max-height:30vh}.fields{grid-template-columns:1fr}}
`;
