//! Questions of customers to a shop, and of readers of its help pages.

use super::{Scene, Topic};

/// In English.
pub(crate) const ENGLISH: Scene = Scene {
    systems: &[
        "You are the support desk of a mail-order shop. Answer politely, name the next step and never promise a date you do not know.",
        "You help customers of {company}. Keep answers under 150 words and repeat the order number when there is one.",
        "You are a helpful assistant for shop staff. Be brief and concrete.",
    ],
    topics: &[
        Topic {
            asks: &[
                "My {product} (order {order}) was due on {weekday} and has been {days} days late. Where is it?",
                "Hello, this is {person}. Order {order}, a {product}, should have reached {city} {days} days ago. What now?",
                "The tracking page for {order} has shown the depot in {place} for {days} days. Is my {product} lost?",
            ],
            core: &[
                "Order {order} left our warehouse and was last scanned at the depot in {place}.",
                "The carrier gives no new date after {days} days, so I have opened a trace for the {product}.",
                "If nothing moves by {weekday}, you can choose between a replacement and your money back.",
            ],
        },
        Topic {
            asks: &[
                "I sent the {product} from order {order} back {days} days ago. When do I get my {amount} EUR?",
                "You owe me {amount} EUR for the returned {product}, order {order}. It arrived at your place on {weekday}.",
            ],
            core: &[
                "The return for order {order} was booked in on {weekday}.",
                "The {amount} EUR go back the way you paid, which takes up to {days} working days at most banks.",
                "You will get a message when the payment leaves us.",
            ],
        },
        Topic {
            asks: &[
                "I ordered a {product} but the box for {order} held a {other}. How do we sort this out before {weekday}?",
                "Wrong item: order {order} says {product}, I got a {other} and a note for {colleague}.",
            ],
            core: &[
                "I am sorry that a {other} came instead of the {product}.",
                "Please keep it in its box; a driver can collect it on {weekday} from {hour}:00.",
                "The right article for order {order} is packed today and needs no new payment.",
            ],
        },
        Topic {
            asks: &[
                "The invoice for order {order} shows {amount} EUR, but the {product} was cheaper. Can you correct it?",
                "Our accountant {colleague} needs the invoice {order} over {amount} EUR made out to {company} instead of to me.",
            ],
            core: &[
                "I have checked invoice {order} over {amount} EUR.",
                "A corrected copy goes to the address in your account, and the old one is cancelled.",
                "Nothing changes in the amount that was already charged unless the new copy says so.",
            ],
        },
        Topic {
            asks: &[
                "Please send order {order} to {place} and not to {city}; I am moving on {weekday}.",
                "Can the {product} from {order} go to my office in {place}, to the attention of {colleague}?",
            ],
            core: &[
                "Order {order} has not been handed to the carrier yet, so the address can still be changed.",
                "I have noted {place} as the new place of delivery.",
                "You will see the change in your account within the hour.",
            ],
        },
        Topic {
            asks: &[
                "After {count} weeks my {product} stopped working and only blinks code {code}. Is that covered?",
                "The {product} shows error {code} since {weekday}. I have tried it at {count} sockets. What does it mean?",
            ],
            core: &[
                "Code {code} on the {product} means that it found a fault when it started.",
                "Unplug it for {count} minutes, then hold the main button for ten seconds.",
                "If {code} comes back, the guarantee covers the repair and we pay for the shipping.",
            ],
        },
        Topic {
            asks: &[
                "I cannot sign in since {weekday}; the page says code {code} has expired. My account is on {person}.",
                "How do I change the e-mail address of the account of {person}? The link in the mail from {hour}:00 is dead, number {code}.",
            ],
            core: &[
                "The link with number {code} is valid for one hour only.",
                "Ask for a new one on the sign-in page and open it in the same browser.",
                "If no mail comes within {count} minutes, look in the folder for unwanted mail first.",
            ],
        },
        Topic {
            asks: &[
                "Does the {product} work together with the {other} you sell for {amount} EUR?",
                "I want {count} pieces of the {product} for our shop in {place}. Is there a price below {amount} EUR each?",
            ],
            core: &[
                "The {product} is in stock, and the offer of {amount} EUR holds until {weekday}.",
                "For {count} pieces and more our business desk makes an offer of its own.",
                "I can pass your question on with your customer number.",
            ],
        },
    ],
    follow_ups: &[
        Topic {
            asks: &[
                "Thanks. And what if I am not at home on {weekday} at {hour}:00?",
                "Good. Could it be {weekday} after {hour}:00 instead, with {colleague} at the door?",
            ],
            core: &[
                "The driver rings once and then leaves a card with number {code}.",
                "With it you can pick a new time, for instance {weekday} after {hour}:00.",
            ],
        },
        Topic {
            asks: &[
                "Can you also add a {other} to order {order}, if it stays under {amount} EUR?",
                "One more thing: is the {other} for {amount} EUR still to be had, {count} pieces?",
            ],
            core: &[
                "The {other} is available, but it travels as a parcel of its own.",
                "Together you stay at {amount} EUR, shipping included.",
            ],
        },
        Topic {
            asks: &[
                "I would rather have the {amount} EUR as a voucher for {colleague}. Does that work with code {code}?",
                "And who do I write to if that has not happened within {days} days? My case is {code}.",
            ],
            core: &[
                "Yes, that works; please quote case {code}.",
                "After {days} days without an answer, the complaints desk takes over by itself.",
            ],
        },
    ],
    openings: &[
        "Thank you for writing to us.",
        "Thanks for the details.",
        "I have looked into it.",
        "Good that you ask.",
        "Sorry for the trouble.",
        "",
    ],
    more: &[
        "Please have the order number at hand if you call.",
        "You can follow every step in your account under \"My orders\".",
        "A photo of the label helps us to find the parcel faster.",
        "Our desk is open from Monday to Saturday, 8:00 to 20:00.",
        "You do not need to fill in another form.",
        "If you paid by invoice, please wait with the transfer until this is settled.",
        "The carrier charges nothing for a second attempt.",
        "We keep the article aside for you until then.",
        "Your right to withdraw is not touched by this.",
        "I have left a note for my colleagues, so nobody will ask you twice.",
    ],
    closings: &[
        "Is there anything else I can do for you?",
        "Just answer here if something is unclear.",
        "We are sorry for the extra effort.",
        "",
    ],
};

/// In Chinese.
pub(crate) const CHINESE: Scene = Scene {
    systems: &[
        "你是一家网店的客服。回答要礼貌、具体，说明下一步，不要承诺不确定的日期。",
        "你为{company}的顾客服务。回答不超过一百五十字，有订单号时请重复一遍。",
    ],
    topics: &[
        Topic {
            asks: &[
                "我的{product}（订单{order}）本来{weekday}就该到，现在晚了{days}天，到底在哪里？",
                "你好，我是{person}。订单{order}的{product}应该{days}天前送到{city}，现在怎么办？",
            ],
            core: &[
                "订单{order}已经出库，最后一次扫描在{place}的中转站。",
                "物流方{days}天没有给出新的日期，我已经为{product}提交了查件。",
                "如果到{weekday}还没有动静，您可以选择补发或者退款。",
            ],
        },
        Topic {
            asks: &[
                "订单{order}的{product}我{days}天前就退回去了，{amount}元什么时候退给我？",
                "你们{weekday}已经收到我退的{product}，订单{order}，{amount}元还没到账。",
            ],
            core: &[
                "订单{order}的退货已在{weekday}登记入库。",
                "{amount}元会按原支付方式退回，多数银行需要{days}个工作日以内。",
                "退款发出时您会收到通知。",
            ],
        },
        Topic {
            asks: &[
                "我买的是{product}，订单{order}的箱子里却是{other}，{weekday}之前能换吗？",
                "发错货了：订单{order}写的是{product}，我收到的是给{colleague}的{other}。",
            ],
            core: &[
                "很抱歉，本该是{product}的包裹里装了{other}。",
                "请保留原包装，快递员可以在{weekday}{hour}点以后上门取件。",
                "订单{order}的正确商品今天就会打包，不需要再付款。",
            ],
        },
        Topic {
            asks: &[
                "{product}用了{count}周就不工作了，一直闪代码{code}，在保修范围内吗？",
                "{product}从{weekday}开始报错{code}，换了{count}个插座也没用，是什么意思？",
            ],
            core: &[
                "{product}显示{code}，说明启动自检时发现了故障。",
                "请断电{count}分钟，再按住主按钮十秒。",
                "如果{code}再次出现，保修包含维修，运费由我们承担。",
            ],
        },
        Topic {
            asks: &[
                "我{weekday}要搬家，订单{order}请改送到{place}，不要送{city}了。",
                "订单{order}的{product}能不能送到我在{place}的办公室，由{colleague}代收？",
            ],
            core: &[
                "订单{order}还没有交给物流，地址可以修改。",
                "新的收货地点已经登记为{place}。",
                "一小时内您就能在账户里看到变化。",
            ],
        },
        Topic {
            asks: &[
                "{product}能和你们{amount}元的{other}一起用吗？",
                "我们在{place}的门店想要{count}件{product}，单价能低于{amount}元吗？",
            ],
            core: &[
                "{product}有现货，{amount}元的价格保留到{weekday}。",
                "{count}件以上由企业服务部单独报价。",
                "我可以把您的问题转给他们。",
            ],
        },
    ],
    follow_ups: &[
        Topic {
            asks: &[
                "谢谢。如果{weekday}{hour}点我不在家怎么办？",
                "好的，可以改到{weekday}{hour}点以后，由{colleague}开门吗？",
            ],
            core: &["快递员会先联系您，没人时留下编号{code}的卡片。", "凭编号可以改约，比如{weekday}{hour}点以后。"],
        },
        Topic {
            asks: &[
                "订单{order}能再加一个{other}吗，不超过{amount}元的话？",
                "另外，{amount}元的{other}还有{count}件吗？",
            ],
            core: &["{other}有货，不过要单独寄送。", "合计{amount}元，含运费。"],
        },
        Topic {
            asks: &[
                "那{amount}元换成给{colleague}的代金券可以吗，用代码{code}？",
                "要是{days}天内没有处理，我该找谁？编号是{code}。",
            ],
            core: &["可以的，请注明编号{code}。", "超过{days}天没有答复，投诉部门会自动接手。"],
        },
    ],
    openings: &["感谢您的来信。", "谢谢您提供的信息。", "我已经查过了。", "给您添麻烦了。", ""],
    more: &[
        "来电时请准备好订单号。",
        "每一步都可以在“我的订单”里查看。",
        "拍一张面单的照片，可以更快找到包裹。",
        "客服时间是星期一到星期六，八点到二十点。",
        "您不需要再填写其他表格。",
        "第二次派送不收费。",
        "在此之前，商品会为您保留。",
        "这不影响您的退货权利。",
        "我已给同事留言，您不必重复说明。",
    ],
    closings: &["还有什么可以帮您？", "有不清楚的地方请直接回复。", "再次抱歉给您带来不便。", ""],
};
